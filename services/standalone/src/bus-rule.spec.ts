import { Logger } from '@nestjs/common';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { AgentCapacity, type CommandName, COMMANDS, MAX_MESSAGE_BYTES, PROBES, Progress, QUERIES, type QueryName, Results, Tasks, Told } from '#contracts';
import { exampleFiles, gitRepository, recordBus, startNats, startPostgres, type RecordedMessage, type TestNats, type TestPostgres, type TestRepository } from '#testing';
import { startStandalone, type Standalone } from './standalone.js';

/**
 * Rule 1 on the live bus: every message of a whole run is heard, and none carries anything but identifiers and typed facts.
 * Held by three nets: the schema of its subject with no key beside it, the shape of its words, and no line of the repository in its bytes.
 */
let nats: TestNats;
let postgres: TestPostgres;
let home: string;
let standalone: Standalone;
let repository: TestRepository;
let heard: RecordedMessage[];
let run: { status: string };

beforeAll(async () => {
  Logger.overrideLogger(['error']);
  [nats, postgres, home, repository] = await Promise.all([startNats(), startPostgres(), mkdtemp(join(tmpdir(), 'pullwright-home-')), exampleFiles('site').then(gitRepository)]);
  Object.assign(process.env, { NATS_URL: nats.url, DATABASE_URL: postgres.url, PORT: '0' });
  const recording = await recordBus(nats.url);
  standalone = await startStandalone(home);
  const started = await fetch(`${standalone.url}/api/v1/runs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ repository: repository.path }) });
  const { runId } = await started.json() as { runId: string };
  // The event stream ends with the run: reading it to its end is waiting for it.
  await (await fetch(`${standalone.url}/api/v1/runs/${runId}/events`, { headers: { accept: 'text/event-stream' } })).text();
  run = await (await fetch(`${standalone.url}/api/v1/runs/${runId}`)).json() as { status: string };
  await recording.stop();
  heard = recording.messages;
}, 120_000);

afterAll(async () => {
  await standalone?.stop();
  await Promise.all([nats.remove(), postgres.stop(), repository.remove(), rm(home, { recursive: true, force: true })]);
});

/** The schema of a subject's payload. */
function schemaOf(subject: string): z.ZodType | undefined {
  const [, kind, name] = subject.split('.');
  switch (kind) {
    case 'command': return COMMANDS[name as CommandName];
    case 'task': return Tasks;
    case 'result': return Results;
    case 'event': return Told;
    case 'progress': return Progress;
    case 'capacity': return AgentCapacity;
    case 'query': return QUERIES[name as QueryName].request;
    default: return undefined;
  }
}

/** Probes say nothing: they are worth something by being stored. */
const own = () => heard.filter(({ subject }) => subject.startsWith('pullwright.') && !PROBES.some((probe) => probe.subject === subject));
const json = ({ payload }: RecordedMessage): unknown => JSON.parse(payload.toString('utf8'));

test('the run was a whole one, and every kind of message was heard', () => {
  expect(run.status).toBe('succeeded');
  const kinds = new Set(own().map(({ subject }) => subject.split('.')[1]));
  expect([...kinds]).toEqual(expect.arrayContaining(['command', 'event', 'progress', 'query', 'result', 'task']));
  const tasks = new Set(own().filter(({ subject }) => subject.startsWith('pullwright.task.')).map(({ subject }) => subject));
  expect([...tasks].sort()).toEqual(['pullwright.task.case-generator.design', 'pullwright.task.crawler.crawl', 'pullwright.task.engineer.write', 'pullwright.task.pr-publisher.open']);
});

test('each message is what its subject says, without a key beside it', () => {
  for (const message of own()) {
    const schema = schemaOf(message.subject);
    if (!schema) throw new Error(`nobody knows the subject ${message.subject}`);
    expect({ subject: message.subject, data: schema.parse(json(message)) }).toEqual({ subject: message.subject, data: json(message) });
  }
});

test('words are identifiers: no white space, no markup, at most 120 characters', () => {
  const words = (value: unknown, key: string): Array<[string, string]> => {
    if (typeof value === 'string') return [[key, value]];
    if (value === null || typeof value !== 'object') return [];
    return Object.entries(value).flatMap(([name, inner]) => [[name, name] as [string, string], ...words(inner, Array.isArray(value) ? key : name)]);
  };
  for (const message of own()) for (const [key, word] of words(json(message), '')) {
    // A path of the machine the repository is on is its identifier, and may hold anything.
    if (key !== 'repository') expect(`${message.subject} ${key}=${word}`).toMatch(/^\S+ \S+=[\w.:/@+-]{0,120}$/);
  }
});

test('nothing that passes, not even a delivery or a reply, holds a line of the repository or is over the bound', async () => {
  const lines = Object.values(await exampleFiles('site')).flatMap((content) => content.toString('utf8').split('\n')).map((line) => line.trim()).filter((line) => line.length >= 20);
  expect(lines.length).toBeGreaterThan(100);
  for (const message of heard.filter(({ subject }) => !subject.startsWith('$JS.'))) {
    expect({ subject: message.subject, withinBound: message.bytes <= MAX_MESSAGE_BYTES }).toEqual({ subject: message.subject, withinBound: true });
    const text = message.payload.toString('utf8');
    expect({ subject: message.subject, leaked: lines.filter((line) => text.includes(line)) }).toEqual({ subject: message.subject, leaked: [] });
  }
});
