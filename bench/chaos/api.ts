import { setTimeout as sleep } from 'node:timers/promises';

/** What the REST API has answered. `status` 0: there was no answer. */
export interface Answer { status: number; body: { runId?: string; status?: string; code?: string; repeated?: boolean } }

const ANSWER_LIMIT_MS = 15_000;

/** The REST API as a caller sees it while things break. Never throws. */
export class Api {
  constructor(private readonly base: () => string) {}

  async post(path: string, body: object, headers: Record<string, string> = {}): Promise<Answer> {
    try {
      const response = await fetch(`${this.base()}/api/v1/${path}`, {
        method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body), signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      });
      return { status: response.status, body: await response.json() as Answer['body'] };
    } catch {
      return { status: 0, body: {} };
    }
  }

  /** Sends again, under the same idempotency key, until somebody has answered for good. `undefined` when nobody did before `until` aborted. */
  async postUntilAnswered(path: string, body: object, key: string, until: AbortSignal): Promise<Answer | undefined> {
    while (!until.aborted) {
      const answer = await this.post(path, body, { 'idempotency-key': key });
      if (answer.status !== 0 && answer.status < 500) return answer;
      await sleep(250);
    }
    return undefined;
  }
}
