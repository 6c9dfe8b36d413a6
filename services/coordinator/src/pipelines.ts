import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { Logger } from '@nestjs/common';
import { Failure, Pipeline } from '#contracts';
import { compile, parsePipeline, type CompiledPipeline } from './engine/pipeline.js';

interface PinnedPipeline { hash: string; compiled: CompiledPipeline }

/** The pipelines that a run can be started with, by name, and all that runs have pinned, by hash. */
export class Pipelines {
  private readonly logger = new Logger('pipelines');

  private constructor(private readonly byName: ReadonlyMap<string, PinnedPipeline>, private readonly byHash: Map<string, CompiledPipeline>) {}

  /** The built-in pipelines and those of an operator's folder. Throws `Failure('bad-request')` for a wrong file or two files with one name. */
  static async load(folder?: string): Promise<Pipelines> {
    const pipelines = new Map<string, CompiledPipeline>();
    for (const file of [...await yamlFiles(builtIn()), ...folder ? await yamlFiles(folder) : []]) {
      const compiled = parsePipeline(await readFile(file, 'utf8'), file);
      const { name } = compiled.definition;
      if (pipelines.has(name)) throw new Failure('bad-request', `${file}: there is another pipeline named ${name}`);
      pipelines.set(name, compiled);
    }
    return Pipelines.of([...pipelines.values()]);
  }

  /** Exactly these; every name once. */
  static of(pipelines: readonly CompiledPipeline[]): Pipelines {
    const pinned = pipelines.map((compiled) => ({ hash: hashOf(compiled.definition), compiled }));
    return new Pipelines(new Map(pinned.map((pipeline) => [pipeline.compiled.definition.name, pipeline])), new Map(pinned.map(({ hash, compiled }) => [hash, compiled])));
  }

  all(): PinnedPipeline[] { return [...this.byName.values()]; }

  /** Throws `Failure('unknown-pipeline')`. */
  named(name: string): PinnedPipeline {
    const pipeline = this.byName.get(name);
    if (!pipeline) throw new Failure('unknown-pipeline', name);
    return pipeline;
  }

  /**
   * What runs have pinned: an older version than the file's now, for a run that is older than an upgrade. Loads at most once, and nothing when all are known.
   * One that this program cannot read is logged and missing: its runs stand still until a program that can read it is back, and no other run does.
   */
  async pinned(load: (hashes: readonly string[]) => Promise<ReadonlyArray<{ hash: string; definition: unknown }>>, hashes: readonly string[]): Promise<ReadonlyMap<string, CompiledPipeline>> {
    const unknown = [...new Set(hashes)].filter((hash) => !this.byHash.has(hash));
    for (const { hash, definition } of unknown.length > 0 ? await load(unknown) : []) {
      try {
        this.byHash.set(hash, compile(Pipeline.parse(definition)));
      } catch (error) {
        this.logger.error(`pipeline ${hash}`, inspect(error));
      }
    }
    return this.byHash;
  }
}

/** SHA-256 of the definition with its defaults, independent of the order of keys and of how the file is written. */
export function hashOf(definition: Pipeline): string {
  const canonical = (value: unknown): unknown => Array.isArray(value) ? value.map(canonical)
    : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, child]) => [key, canonical(child)]))
    : value;
  return createHash('sha256').update(JSON.stringify(canonical(definition))).digest('hex');
}

/** Beside the sources; the compiled program lies in another folder of the same package. */
function builtIn(): string {
  let root = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(root, 'package.json'))) {
    if (root === dirname(root)) throw new Failure('internal', 'the built-in pipelines are not beside the program');
    root = dirname(root);
  }
  return join(root, 'services/coordinator/pipelines');
}

async function yamlFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => { throw new Failure('bad-request', `PIPELINES_DIR: ${folder} cannot be read`, { cause }); });
  return names.filter((name) => /\.ya?ml$/.test(name)).sort().map((name) => join(folder, name));
}
