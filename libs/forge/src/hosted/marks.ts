import { createHash } from 'node:crypto';

/**
 * What Pullwright remembers in a description and in a comment, in a line that people do not see. A description says which run opened it, what it was when we wrote it, so that one that a person has
 * edited is left as it is, and whether we closed it, which is written in the same request that closes it: so a pull request that is closed without it was closed by a person.
 */
export interface Mark { run: string; digest: string; closed?: true }

const MARK = /\n*<!-- pullwright (\{[^\n]*\}) -->\s*$/;

const digestOf = (title: string, body: string) => createHash('sha256').update(`${title}\0${body.trim()}`).digest('hex').slice(0, 16);

export function markedBody(title: string, body: string, run: string, closed = false): string {
  const mark: Mark = { run, digest: digestOf(title, body), ...(closed && { closed: true }) };
  return `${body.trimEnd()}\n\n<!-- pullwright ${JSON.stringify(mark)} -->\n`;
}

/** The description without its mark, and whether title and description are as we wrote them. */
export function readMark(title: string, text: string): { body: string; mark?: Mark; untouched: boolean } {
  const body = text.replaceAll('\r\n', '\n').replace(MARK, '');
  const mark = parse(MARK.exec(text.replaceAll('\r\n', '\n'))?.[1]);
  return { body, ...(mark && { mark }), untouched: mark?.digest === digestOf(title, body) };
}

function parse(json: string | undefined): Mark | undefined {
  if (json === undefined) return undefined;
  try {
    const { run, digest, closed } = JSON.parse(json) as Partial<Mark>;
    return typeof run === 'string' && typeof digest === 'string' ? { run, digest, ...(closed === true && { closed }) } : undefined;
  } catch (error) {
    // Somebody has edited it.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The mark of the one comment of a pull request; whoever reports how a run stands edits the same one. */
export const STATUS_COMMENT = 'status';

/** The comment that carries a mark begins with this line. */
export const commentMark = (mark: string): string => `<!-- pullwright:${mark} -->`;
