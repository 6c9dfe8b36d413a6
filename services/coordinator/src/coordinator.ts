import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { Bus } from '#bus';
import { Failure, subjects } from '#contracts';
import { BusWatch } from './bus-watch.js';
import { Capacity } from './capacity.js';
import { serveCommands } from './commands.js';
import { ForgeCommands } from './forge/command.js';
import { Reports } from './forge/reports.js';
import { Limits } from './limits.js';
import { Pipelines } from './pipelines.js';
import { Dispatcher } from './dispatcher.js';
import { Presence } from './presence.js';
import { Queries } from './queries.js';
import { logDeadLetters, takeResults } from './results.js';
import { Retention } from './retention.js';
import { Saga } from './saga.js';
import { Schedules } from './schedules.js';
import { pinPipelines, proveWritable } from './store/database.js';
import { Timers } from './timers.js';

/** Starts and stops everything that moves. */
@Injectable()
export class Coordinator implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private stops: Array<() => Promise<void>> = [];
  private stopping = false;

  constructor(
    private readonly database: DataSource, private readonly pool: Pool, private readonly bus: Bus, private readonly pipelines: Pipelines,
    private readonly saga: Saga, private readonly timers: Timers, private readonly busWatch: BusWatch, private readonly retention: Retention, private readonly schedules: Schedules, private readonly queries: Queries, private readonly limits: Limits, private readonly capacity: Capacity, private readonly presence: Presence,
    private readonly dispatcher: Dispatcher, private readonly forgeCommands: ForgeCommands, private readonly reports: Reports,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    // Before any run can be started: a run refers to what it has pinned.
    await pinPipelines(this.database, this.pipelines.all().map(({ hash, compiled }) => ({ hash, definition: compiled.definition })));
    await Promise.all([this.limits.start(), this.presence.start()]);
    const stopListening = this.capacity.listen(this.bus);
    await this.busWatch.start();
    const readers = await Promise.all([serveCommands(this.bus, this.saga), takeResults(this.bus, this.saga, this.dispatcher), logDeadLetters(this.bus), this.forgeCommands.serve(this.bus)]);
    const stopAnswering = this.bus.respond(subjects.allQueries, async (name, data) => this.queries.answer(name, data));
    // Whoever hears that this coordinator has started may ask it at once.
    await this.bus.flush();
    this.timers.start();
    this.retention.start();
    this.schedules.start();
    this.reports.start();
    this.stops = [...readers.map((reader) => async () => reader.stop()), async () => this.timers.stop(), async () => this.busWatch.stop(), async () => this.retention.stop(), async () => this.schedules.stop(), async () => this.reports.stop(), async () => this.limits.stop(), async () => { stopListening(); }, stopAnswering];
  }

  /** Takes nothing more and finishes what it has. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.stops.map(async (stop) => stop()));
    await this.saga.idle();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.presence.stop();
    await this.bus.close();
    await Promise.all([this.pool.end(), this.database.destroy()]);
  }

  /** Proves that a command could be carried out now: a write in the database, and every stream there. Throws what is wrong. */
  async ready(): Promise<void> {
    if (this.stopping) throw new Failure('internal', 'it is shutting down');
    this.busWatch.ready();
    await Promise.all([proveWritable(this.database), this.bus.health()]);
  }
}
