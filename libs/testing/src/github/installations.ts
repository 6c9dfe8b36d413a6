import { revokeTokens } from './access.js';
import { installation as installationShape, nodeId } from './shapes/accounts.js';
import type { InstallationState, Permissions, World } from './world.js';

export interface Installation {
  id: number;
  owner: string;
  permissions: Permissions;
  /** Every token of it is refused from now on; the installation stays. */
  revokeTokens(): void;
  suspend(): void;
  unsuspend(): void;
  addRepository(name: string): void;
  removeRepository(name: string): void;
  uninstall(): void;
}

/** What happens to installations: each change with its webhook. */

function repositoriesOf(world: World, ids: 'all' | Iterable<number>, owner: string) {
  const wanted = ids === 'all' ? undefined : new Set(ids);
  return world.repositories.filter((one) => !one.deleted && one.owner === owner && (wanted === undefined || wanted.has(one.id))).map((one) => ({ id: one.id, node_id: nodeId('R', one.id), name: one.name, full_name: `${one.owner}/${one.name}`, private: one.private }));
}

function event(world: World, state: InstallationState, action: string): void {
  const repositories = action === 'created' || action === 'deleted' ? { repositories: repositoriesOf(world, state.repositories, state.owner) } : {};
  world.emit({ event: 'installation', action, sender: state.owner, app: state.app, installation: state, payload: { action, installation: installationShape(world, state), ...repositories, ...(action === 'created' ? { requester: null } : {}) } });
}

export function noteInstalled(world: World, state: InstallationState): void {
  world.installations.push(state);
  event(world, state, 'created');
}

export function uninstall(world: World, state: InstallationState): void {
  world.installations.splice(world.installations.indexOf(state), 1);
  revokeTokens(world, state);
  event(world, state, 'deleted');
}

function select(world: World, state: InstallationState, name: string, action: 'added' | 'removed'): void {
  const repository = world.repositories.find((one) => one.owner === state.owner && one.name === name && !one.deleted);
  if (repository === undefined) throw new Error(`${state.owner} has no repository ${name}`);
  const chosen = state.repositories === 'all' ? new Set(world.repositories.filter((one) => one.owner === state.owner).map((one) => one.id)) : state.repositories;
  if (action === 'added') chosen.add(repository.id); else chosen.delete(repository.id);
  state.repositories = chosen;
  const touched = repositoriesOf(world, [repository.id], state.owner);
  world.emit({
    event: 'installation_repositories', action, sender: state.owner, app: state.app, installation: state,
    payload: { action, installation: installationShape(world, state), repository_selection: 'selected', repositories_added: action === 'added' ? touched : [], repositories_removed: action === 'removed' ? touched : [], requester: null },
  });
}

/** The installation as tests handle it. */
export function installationHandle(world: World, state: InstallationState): Installation {
  return {
    id: state.id, owner: state.owner, permissions: state.permissions,
    revokeTokens: () => { revokeTokens(world, state); },
    suspend: () => { state.suspendedAt = world.now(); event(world, state, 'suspend'); },
    unsuspend: () => { state.suspendedAt = undefined; event(world, state, 'unsuspend'); },
    addRepository: (name) => { select(world, state, name, 'added'); },
    removeRepository: (name) => { select(world, state, name, 'removed'); },
    uninstall: () => { uninstall(world, state); },
  };
}

