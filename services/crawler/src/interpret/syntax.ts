import { parse, type ParserPlugin } from '@babel/parser';
import type * as N from '@babel/types';
import type { Repo } from '../framework.js';
import type { Place } from '../markup.js';
import { Undecided } from './values.js';

const MAX_SOURCE = 1_000_000;

/** Syntax trees live as long as the repository they come from: one parse per file, however many machines run it. */
const parsed = new WeakMap<Repo, Map<string, N.File | Undecided>>();

/** The syntax tree of a module. Throws `Undecided` when the file is missing, too large or not understood. */
export function syntaxOf(repo: Repo, path: string): N.File {
  let files = parsed.get(repo);
  if (!files) parsed.set(repo, files = new Map<string, N.File | Undecided>());
  let file = files.get(path);
  if (!file) files.set(path, file = parseFile(repo, path));
  if (file instanceof Undecided) throw file;
  return file;
}

function parseFile(repo: Repo, path: string): N.File | Undecided {
  const at: Place = { file: path, line: 1 };
  const text = repo.text(path);
  if (text === null) return new Undecided(`${path} cannot be read`, at);
  if (text.length > MAX_SOURCE) return new Undecided(`${path} is too large to be followed`, at, true);
  const plugins: ParserPlugin[] = ['decorators'];
  if (/\.[cm]?tsx?$/.test(path)) plugins.push('typescript');
  if (!/\.[cm]?ts$/.test(path)) plugins.push('jsx');
  if (/\.[cm]?jsx?$/.test(path) && /^\s*(?:\/\/|\/\*)[^\n]{0,80}@flow/.test(text)) plugins.push('flow');
  try {
    return parse(text, { sourceType: 'unambiguous', sourceFilename: path, plugins, errorRecovery: false, allowReturnOutsideFunction: true, createParenthesizedExpressions: false, attachComment: false });
  } catch (error) {
    return new Undecided(`${path} does not parse: ${error instanceof Error ? error.message.slice(0, 200) : 'unknown syntax'}`, at);
  }
}

/** A template that was put together from several files has nodes of each. */
export const placeOf = (node: N.Node, file: string): Place => ({ file: node.loc?.filename || file, line: node.loc?.start.line ?? 1 });
