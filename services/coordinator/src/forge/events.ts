import type { ForgeEvent, StartRun } from '#contracts';

/** The pipeline that deals with what happens at a forge, the one that tells people there how a run stands, and the one that people there may start. */
export const EVENT_PIPELINE = 'forge-event';
export const REPORT_PIPELINE = 'forge-report';
export const TEST_PIPELINE = 'test-generation';

/** A delivery has one run, however often it comes: its id is the idempotency key. */
export function startOfEvent({ runId, forge, delivery, repository, sender, senderIsBot, event, action, installation = 0, sha = '', before = '', ref = '', base = '', pullRequest = 0, comment = 0, word = '' }: ForgeEvent): StartRun {
  return {
    runId, pipeline: EVENT_PIPELINE, repository, requestedBy: `${forge}:${sender}`, idempotency: { key: `${forge}:${delivery}`, requestHash: EVENT_PIPELINE },
    params: { forge, event, action, sender, senderIsBot, installation, sha, before, ref, base, pullRequest, comment, word },
  };
}
