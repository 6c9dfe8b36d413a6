import { comment as commentShape, issueEvent } from './shapes/pulls.js';
import type { CommentRecord, PullRecord, RepositoryState, SimulatedApp, World } from './world.js';

/** Comments on pull requests, whoever writes them: each change with its webhook. */

function event(world: World, repository: RepositoryState, record: CommentRecord, action: string, sender: string, more: Record<string, unknown> = {}): void {
  const issue = issueEvent(world, repository, repository.issues.get(record.issue) as PullRecord);
  world.emit({ event: 'issue_comment', action, repository, sender, payload: { action, issue, comment: commentShape(world, repository, record), ...more } });
}

export function writeComment(world: World, repository: RepositoryState, pull: PullRecord, body: string, by: string, app?: SimulatedApp): CommentRecord {
  const record: CommentRecord = { id: world.id(), issue: pull.number, body, by, app, createdAt: world.now(), updatedAt: world.now(), edited: false };
  repository.comments.set(record.id, record);
  event(world, repository, record, 'created', by);
  return record;
}

export function editComment(world: World, repository: RepositoryState, record: CommentRecord, body: string, sender: string): void {
  const from = record.body;
  Object.assign(record, { body, edited: true, updatedAt: world.now() });
  event(world, repository, record, 'edited', sender, { changes: { body: { from } } });
}

export function deleteComment(world: World, repository: RepositoryState, record: CommentRecord, sender: string): void {
  repository.comments.delete(record.id);
  event(world, repository, record, 'deleted', sender);
}
