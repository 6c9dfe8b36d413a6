import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { Request } from 'express';
import { createHash } from 'node:crypto';
import { Failure, type FailureCode } from '#contracts';
import { problemOf } from './problem.js';
import { IdempotencyHeaders, RunBatchRequest } from './requests.js';
import type { RunBatch } from './responses.js';
import { Starting } from './starting.js';
import { checked } from './validation.js';

/** What may be otherwise in a while. */
const PASSING: ReadonlySet<FailureCode> = new Set(['bus-unavailable', 'rate-limited']);

/** Many runs with one request, for those who have whole organisations of repositories. Each is a start of its own: some may be refused, and the others go on. */
@Controller('api/v1/run-batches')
export class RunBatchesController {
  constructor(private readonly starting: Starting) {}

  @Post()
  @HttpCode(202)
  async start(@Body({ schema: RunBatchRequest }) { runs }: RunBatchRequest, @Req() request: Request): Promise<RunBatch> {
    const key = checked(IdempotencyHeaders, request.headers)['idempotency-key'];
    // Of one length, however long the caller's is, and unlike a key that a caller gives a single run.
    const base = key === undefined ? undefined : `batch:${createHash('sha256').update(key).digest('hex')}`;
    const starts = await this.starting.startAll(runs, (index) => base && `${base}:${index}`);
    const failures = starts.flatMap((start) => start.status === 'rejected' ? [failureOf(start.reason)] : []);
    // Nothing came through: that is a problem of the whole request, and the caller is told when to come back.
    if (failures.length === runs.length && failures.every(({ code }) => code === failures[0]?.code && PASSING.has(code))) throw failures[0] as Failure;
    return { runs: starts.map((start) => start.status === 'fulfilled' ? start.value.accepted : { problem: problemOf(failureOf(start.reason), request.originalUrl).problem }) };
  }
}

/** What is no failure is a defect, which fails the whole request. */
function failureOf(reason: unknown): Failure {
  if (reason instanceof Failure) return reason;
  throw reason;
}
