import type { Schedule } from '#contracts';
import { withApi } from './connection.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { repositoryAt, type RunOptions } from './run.js';
import { print, printJson, safe, say, table } from './terminal.js';

/** Runs that start by the clock: which there are, adding and removing them. */

type AddOptions = Pick<RunOptions, 'ref' | 'depth' | 'framework' | 'pipeline' | 'approval' | 'cache' | 'json'> & { cron: string; timeZone: string };

export async function addSchedule(path: string, { json, ...options }: AddOptions): Promise<ExitCode> {
  const repository = await repositoryAt(path);
  return withApi(async (api) => {
    const schedule = await api.addSchedule({ repository, ...options });
    if (json) printJson(schedule);
    else say(`${schedule.scheduleId} starts a run at ${schedule.nextAt} first.`);
    return EXIT.ok;
  });
}

export async function listSchedules(options: { json?: boolean }): Promise<ExitCode> {
  return withApi(async (api) => {
    const schedules = await api.schedules();
    if (options.json) printJson(schedules);
    else if (schedules.length === 0) say("Nothing is scheduled. Next: ./pullwright schedules add <path> --cron '30 3 * * 1-5'");
    else print(table([['SCHEDULE', 'CRON', 'NEXT', 'LAST', 'REPOSITORY'], ...schedules.map(row)]));
    return EXIT.ok;
  });
}

export async function removeSchedule(scheduleId: string): Promise<ExitCode> {
  return withApi(async (api) => {
    await api.removeSchedule(scheduleId);
    return EXIT.ok;
  });
}

const row = ({ scheduleId, cron, timeZone, nextAt, lastRunId, lastFailure, repository }: Schedule): string[] => [scheduleId, safe(`${cron} ${timeZone}`), nextAt, lastRunId ?? lastFailure?.code ?? '', safe(repository)];
