import type { Markup, Words } from '../markup.js';

/** Markup as one line per node, for expectations: `<a href=/x> 3` with its line, `"text"`, `{why}` for unknown words, `[unsure …]` for groups. */
export function outline(nodes: readonly Markup[], depth = 0): string[] {
  const pad = '  '.repeat(depth);
  return nodes.flatMap((node) => {
    switch (node.kind) {
      case 'text': return typeof node.text !== 'string' ? [`${pad}{}`] : node.text.trim() === '' ? [] : [`${pad}"${node.text.trim()}"`];
      case 'opaque': return [`${pad}(opaque)`];
      case 'group': return [`${pad}[${node.when}]`, ...outline(node.children, depth + 1)];
      default: return [`${pad}<${node.tag}${[...node.attributes].map(([name, value]) => ` ${name}${words(value)}`).join('')}> ${node.at.line}`, ...outline(node.children, depth + 1)];
    }
  });
}

const words = (value: Words | true): string => (value === true ? '' : typeof value === 'string' ? `=${value}` : '={}');
