import { commentMark } from '../hosted/marks.js';
import { all, Note } from './api.js';
import { whoAmI, type Source } from './repository.js';
import { withoutQuickActions } from './words.js';

const TEXT_LENGTH = 1_000_000;

/** The one note with this mark: written, or edited in place. Only what the token's user has written is looked at: anybody can write the mark. */
export async function note(source: Source, number: number, mark: string, body: string): Promise<{ url: string }> {
  const { client, at, access } = source;
  const first = commentMark(mark);
  const text = `${first}\n${withoutQuickActions(body)}`.slice(0, TEXT_LENGTH);
  const existing = await findNote(source, number, first);
  const path = `${at}/merge_requests/${number}/notes`;
  if (existing && existing.body !== text) await client.ask('the note', 'PUT', `${path}/${existing.id}`, { body: { body: text } });
  if (!existing) await client.ask('the note', 'POST', path, { body: { body: text } });
  const id = existing?.id ?? (await findNote(source, number, first))?.id;
  return { url: `${access.webUrl}/${access.path}/-/merge_requests/${number}#note_${id}` };
}

async function findNote(source: Source, number: number, first: string): Promise<{ id: number; body: string } | undefined> {
  const me = await whoAmI(source);
  const own = (notes: ReadonlyArray<{ id: number; body: string; author: { id: number } }>) => notes.find(({ author, body }) => author.id === me.id && body.startsWith(first));
  const notes = await all(source.client, Note, `the notes of !${number}`, `${source.at}/merge_requests/${number}/notes`, { order_by: 'created_at', sort: 'asc', activity_filter: 'only_comments' }, (so) => own(so) !== undefined);
  return own(notes ?? []);
}
