import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Fault } from '../fault.js';

/** Postgres: restarted, and everything that other users of the same server do to it. */
export const databaseFaults: readonly Fault[] = [
  {
    // Every 5 to 10 seconds for a while, in an orderly way and as by a crash in turn.
    name: 'Postgres restarted again and again',
    inject: async ({ postgres }, random) => {
      const times = random.between(2, 4);
      for (let time = 0; time < times; time++) {
        await postgres.restart(time % 2 === 0 ? 'immediate' : 'fast');
        await sleep(random.between(5_000, 10_000));
      }
      return { did: `${times} times` };
    },
  },
  {
    name: 'Postgres sessions terminated',
    inject: async ({ postgres }, random) => {
      const times = random.between(3, 10);
      let ended = 0;
      for (let time = 0; time < times; time++) {
        const { rowCount } = await withClient(postgres.url, (client) => client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pullwright-coordinator'`));
        ended += rowCount ?? 0;
        await sleep(random.between(50, 500));
      }
      return { did: `${ended} sessions in ${times} rounds` };
    },
  },
  {
    name: 'Postgres tables locked by somebody else',
    inject: async ({ postgres }, random) => {
      const [table, ms] = [random.pick(['runs', 'log', 'outbox', 'locks']), random.between(1_000, 5_000)];
      await withClient(postgres.url, async (client) => {
        await client.query('BEGIN');
        await client.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
        await sleep(ms);
        await client.query('ROLLBACK');
      });
      return { did: `${table} for ${ms} ms` };
    },
  },
  {
    name: 'Postgres connections exhausted',
    inject: async ({ postgres }, random) => {
      const ms = random.between(2_000, 5_000);
      const taken: Client[] = [];
      const fill = async () => {
        for (let isFull = false; !isFull;) {
          const client = new Client({ connectionString: postgres.url, application_name: 'crowd' });
          client.on('error', () => undefined);
          isFull = await client.connect().then(() => { taken.push(client); return false; }, () => true);
        }
      };
      await fill();
      // Who has a connection loses it, and finds the place taken.
      await taken[0]?.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pullwright-coordinator'`);
      await fill();
      await sleep(ms);
      await Promise.all(taken.map((client) => client.end()));
      return { did: `${taken.length} connections for ${ms} ms` };
    },
  },
];

async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, application_name: 'somebody else' });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
