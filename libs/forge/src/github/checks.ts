import type { Check } from '../forge.js';
import { doing } from './client.js';
import type { GithubSource } from './snapshot.js';

/** GitHub's bounds: characters of a text, annotations of a request. */
const TEXT = 65_535;
const ANNOTATIONS = 50;

/** Only an App may: a personal token is refused, `forge-forbidden`. Annotations are added, never taken away: so only the first answer carries them. */
export async function setGithubCheck({ client, at }: GithubSource, check: Check): Promise<void> {
  const { commit, name, conclusion, title, summary, text, url, annotations = [] } = check;
  const output = (some: typeof annotations) => ({
    title, summary: summary.slice(0, TEXT), ...(text !== undefined && { text: text.slice(0, TEXT) }),
    ...(some.length > 0 && { annotations: some.map((each) => ({ path: each.path, start_line: each.startLine, end_line: each.endLine, annotation_level: each.level, message: each.message.slice(0, 64_000), ...(each.title !== undefined && { title: each.title.slice(0, 255) }) })) }),
  });
  const state = conclusion === undefined ? { status: 'in_progress' as const } : { status: 'completed' as const, conclusion };
  const place = { ...state, ...(url !== undefined && { details_url: url }) };
  await doing(`the check ${name}`, async () => {
    const { data } = await client.request('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', { ...at, ref: commit, check_name: name, filter: 'latest', per_page: 1 });
    const existing = data.check_runs[0];
    let id = existing?.id;
    if (id === undefined) id = (await client.request('POST /repos/{owner}/{repo}/check-runs', { ...at, name, head_sha: commit, ...place, output: output(annotations.slice(0, ANNOTATIONS)) })).data.id;
    else await client.request('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', { ...at, check_run_id: id, ...place, output: output(existing?.output.annotations_count === 0 ? annotations.slice(0, ANNOTATIONS) : []) });
    if (existing && existing.output.annotations_count > 0) return;
    for (let from = ANNOTATIONS; from < annotations.length; from += ANNOTATIONS) {
      await client.request('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', { ...at, check_run_id: id, output: output(annotations.slice(from, from + ANNOTATIONS)) });
    }
  });
}
