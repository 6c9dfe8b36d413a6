/**
 * GitLab carries out lines of a description or a note that begin with a slash and a command ("/merge", "/assign @somebody"), outside of code. Pullwright's texts hold words of repositories and never mean a
 * command: a backslash keeps such a line what it is, and does not show.
 */
export function withoutQuickActions(text: string): string {
  let fence: string | undefined;
  return text.split('\n').map((line) => {
    const [mark] = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.slice(1) ?? [];
    if (fence === undefined) fence = mark;
    else if (mark?.startsWith(fence) && line.trim() === mark) fence = undefined;
    return fence === undefined && mark === undefined ? line.replace(/^(\s*)\/(?=[a-z])/i, String.raw`$1\/`) : line;
  }).join('\n');
}
