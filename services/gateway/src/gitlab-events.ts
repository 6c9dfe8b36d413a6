import { z } from 'zod';
import { OWN_BRANCHES } from '#contracts';
import { branchOf, commandIn, Commit, isNoCommit, Text, type Happening, type Heard } from './forge-delivery.js';

/** GitLab's deliveries, as far as they are used: https://docs.gitlab.com/user/project/integrations/webhook_events/. */

const FullPath = z.string().max(500).regex(/^[A-Za-z0-9_.-]{1,255}(\/[A-Za-z0-9_.-]{1,255})+$/, 'group/project');
const Project = z.object({ path_with_namespace: FullPath });
const Branch = z.string().min(1).max(256);
const Username = z.string().min(1).max(100);
const Person = z.object({ username: Username });

const Push = z.object({ object_kind: z.literal('push'), ref: z.string().max(1024), before: Commit, after: Commit, user_username: Username, project: Project });
const Merge = z.object({
  object_kind: z.literal('merge_request'), user: Person, project: Project,
  object_attributes: z.object({ iid: z.int().min(1), action: z.string().optional(), source_branch: Branch, target_branch: Branch, source_project_id: z.int(), target_project_id: z.int(), last_commit: z.object({ id: Commit }), oldrev: z.string().optional() }),
});
const Note = z.object({
  object_kind: z.literal('note'), user: Person, project: Project,
  object_attributes: z.object({ id: z.int().min(1), action: z.string().optional(), note: Text, noteable_type: z.string(), system: z.boolean().default(false) }),
  merge_request: z.object({ iid: z.int().min(1), source_branch: Branch, target_branch: Branch }).optional(),
});

type Reader = (payload: unknown, url: string, read: <T extends z.ZodType>(schema: T, payload: unknown) => z.infer<T>) => Heard;

/** By the name in X-Gitlab-Event. */
const READERS: Record<string, Reader | undefined> = {
  'Push Hook': (payload, url, read) => {
    const push = read(Push, payload);
    const ref = branchOf(push.ref);
    if (ref === undefined) return { ignored: 'not-a-branch' };
    if (isNoCommit(push.after)) return { ignored: 'branch-deleted' };
    return one(push.project, { username: push.user_username }, url, { event: 'push', action: 'pushed', ref, sha: push.after, ...(!isNoCommit(push.before) && { before: push.before }) });
  },

  'Merge Request Hook': (payload, url, read) => {
    const { object_attributes: merge, project, user } = read(Merge, payload);
    // An update without an old commit changed words only.
    const action = ({ open: 'opened', reopen: 'reopened', close: 'closed', merge: 'merged', update: merge.oldrev === undefined ? undefined : 'updated' } as const)[merge.action ?? ''];
    if (action === undefined) return { ignored: 'action-not-used' };
    if (!merge.source_branch.startsWith(OWN_BRANCHES) || merge.source_project_id !== merge.target_project_id) return { ignored: 'not-our-pull-request' };
    return one(project, user, url, { event: 'pull-request', action, pullRequest: merge.iid, ref: merge.source_branch, sha: merge.last_commit.id, base: merge.target_branch });
  },

  'Note Hook': (payload, url, read) => {
    const { object_attributes: note, merge_request: merge, project, user } = read(Note, payload);
    if (note.system || (note.action !== undefined && note.action !== 'create')) return { ignored: 'action-not-used' };
    if (note.noteable_type !== 'MergeRequest' || merge === undefined) return { ignored: 'not-a-pull-request' };
    const word = commandIn(note.note);
    if (word === undefined) return { ignored: 'no-command' };
    if (isBot(user.username)) return { ignored: 'comment-of-a-bot' };
    return one(project, user, url, { event: 'comment', action: 'created', pullRequest: merge.iid, comment: note.id, word, ref: merge.source_branch, base: merge.target_branch });
  },
};

/** Reads a delivery; `read` throws for a payload that is not what its event's should be. */
export function gitlabEvents(name: string, payload: unknown, url: string, read: <T extends z.ZodType>(schema: T, payload: unknown) => z.infer<T>): Heard {
  const reader = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
  return reader ? reader(payload, url.replace(/\/+$/, ''), read) : { ignored: 'event-not-used' };
}

function one(project: z.infer<typeof Project>, { username }: z.infer<typeof Person>, url: string, what: Omit<Happening, 'repository' | 'sender' | 'senderIsBot'>): Heard {
  return { events: [{ repository: `${url}/${project.path_with_namespace}`, sender: username, senderIsBot: isBot(username), ...what }] };
}

/** The users behind access tokens of projects and groups. */
const isBot = (username: string): boolean => /^(project|group)_\d+_bot(_[0-9a-f]+)?$/.test(username);
