import type { World } from './world.js';

const COMMANDS = 'approve|assign|assign_reviewer|cc|close|confidential|copy_metadata|done|draft|due|duplicate|estimate|label|lock|merge|milestone|rebase|ready|relabel|remove_due_date|reopen|request_review|shrug|spend|submit_review|subscribe|tableflip|target_branch|title|todo|unassign|unlabel|unlock|unsubscribe';

/** GitLab carries out lines that begin with a slash and a command. Coming from a token they were words of a repository, so that is a violation. */
export function refuseQuickActions(world: World, text: string): void {
  const outside = text.replaceAll(/^(`{3,}|~{3,})[^\n]*\n[^]*?^\1\s*$/gm, '');
  const found = new RegExp(String.raw`^\/(${COMMANDS})(?=\s|$)`, 'im').exec(outside);
  if (found) world.violate(`a text carries the quick action ${found[0]}`);
}
