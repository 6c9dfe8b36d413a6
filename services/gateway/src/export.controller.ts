import { Controller, Get, Param, Res } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { ArtifactStore, canonicalJson, packBundle } from '#artifacts';
import { agentContract, Failure, type AgentContract, type ArtifactId, type RunBundle, type RunSettings, type RunView, type StepView } from '#contracts';
import { Coordinator, type ListQuery } from './coordinator.js';
import { RunPath } from './requests.js';

const PAGE = 100;

/** A run with all that decided it and all that it made, as one file. */
@Controller('api/v1/runs')
export class ExportController {
  constructor(private readonly coordinator: Coordinator, private readonly store: ArtifactStore) {}

  @Get(':runId/export')
  async export(@Param({ schema: RunPath }) { runId }: RunPath, @Res() response: Response): Promise<void> {
    const { item: run } = await this.coordinator.ask('get-run', { runId });
    if (run.finishedAt === undefined) throw new Failure('wrong-state', `${runId} has not ended`);
    const [definition, events, steps, lineage] = await Promise.all([this.all('list-definition', runId), this.all('list-events', runId), this.all('list-steps', runId), this.all('list-artifacts', runId)]);
    const documents = new Map<string, Buffer>([
      ['run.json', canonicalJson(run)], ['pipeline.json', Buffer.from(definition.join(''))], ['events.jsonl', Buffer.from(events.map((event) => `${canonicalJson(event).toString('utf8')}\n`).join(''))],
      ['steps.json', canonicalJson(steps)], ['lineage.json', canonicalJson(lineage)], ['settings.json', canonicalJson(settingsOf(run, steps))],
    ]);
    const artifacts = new Map([...new Set(lineage.map(({ artifactId }) => artifactId))].map((id) => [`artifacts/${id.slice('sha256:'.length)}`, id]));
    const manifest: RunBundle = { kind: 'run@1', runId, files: [...[...documents].map(([path, bytes]) => ({ path, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.byteLength })), ...await this.sizes(artifacts)] };
    manifest.files.sort((a, b) => (a.path < b.path ? -1 : 1));
    response.set({ 'Content-Type': 'application/x-tar', 'Content-Disposition': `attachment; filename="${runId}.tar"` });
    // One artifact in memory at a time. An artifact that goes missing now ends the answer in the middle: a tar without its end.
    await pipeline(packBundle(manifest, async (path) => documents.get(path) ?? this.store.bytes(artifacts.get(path) as ArtifactId)), response);
  }

  private async all<N extends ListQuery & ('list-definition' | 'list-events' | 'list-steps' | 'list-artifacts')>(name: N, runId: string): Promise<Awaited<ReturnType<typeof this.coordinator.list<N>>>['items']> {
    const items: Awaited<ReturnType<typeof this.coordinator.list<N>>>['items'] = [];
    for (let cursor: string | undefined; ;) {
      const page = await this.coordinator.list(name, { runId, cursor, limit: PAGE } as Parameters<typeof this.coordinator.list<N>>[1]);
      items.push(...page.items);
      if (page.next === undefined) return items;
      cursor = page.next;
    }
  }

  /** Before anything is sent, so that an artifact that is gone is still an error with a status. */
  private async sizes(artifacts: ReadonlyMap<string, ArtifactId>): Promise<RunBundle['files']> {
    const files: RunBundle['files'] = [];
    for (const [path, id] of artifacts) {
      const found = await this.store.stat(id);
      if (!found) throw new Failure('artifact-missing', id);
      files.push({ path, sha256: path.slice('artifacts/'.length), bytes: found.bytes });
    }
    return files;
  }
}

function settingsOf({ params, cache = true }: RunView, steps: readonly StepView[]): RunSettings {
  const agents: Record<string, AgentContract> = {};
  for (const { agent } of steps) {
    const contract = agent === undefined ? undefined : agentContract(agent);
    if (agent !== undefined && contract) agents[agent] = contract;
  }
  return { params, cache, agents };
}
