/** Owns the settings `notify:`: by which ways people are told of pods, and of what. */
import { z } from 'zod';
import { WAIT_REASONS } from '../../model/message.ts';
import { NOTICE_KINDS } from '../../model/notice.ts';
import type { Frozen } from '../frozen.ts';
import { durationSchema } from '../quantity.ts';

const MAX_WAYS = 20;
const MAX_NAMES = 200;
const MAX_HEADERS = 50;

const plainText = z
  .string()
  .min(1)
  .max(4096)
  .refine((text) => !text.includes('\0'), { error: 'must not hold a NUL character' });

const elsewhere = [
  z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
  z.strictObject({ file: plainText }),
] as const;

const SOURCE_WANTED = 'must be text, { env: NAME } or { file: PATH }';
const SECRET_WANTED = 'must be { env: NAME } or { file: PATH }: the secret itself does not belong into this file';

/** Text, or where it stands: what is secret does not belong into a file that is committed. */
const source = () => z.union([plainText, ...elsewhere], { error: SOURCE_WANTED });
export type TextSource = z.output<ReturnType<typeof source>>;

const urlProblem = (text: string): string | undefined => {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return 'must be an address that begins with https:// or http://';
  return url.username + url.password === '' ? undefined : 'must hold no login; put it into a header: { env: NAME }';
};

const urlSource = source().superRefine((given, context) => {
  const problem = typeof given === 'string' ? urlProblem(given) : undefined;
  if (problem !== undefined) context.addIssue(problem);
});

const webhookSchema = z.strictObject({
  url: urlSource.describe(
    'Where each notification is POSTed to as JSON: an address, or { env: NAME } or { file: PATH } where the address is a secret itself.',
  ),
  secret: z
    .union(elsewhere, { error: SECRET_WANTED })
    .optional()
    .describe(
      'Signs each by Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature): { env: NAME } or { file: PATH }, of the form whsec_<base64>, or any text.',
    ),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/, { error: 'must be letters, digits and -' }), source())
    .refine((headers) => Object.keys(headers).length <= MAX_HEADERS, { error: `must be at most ${MAX_HEADERS}` })
    .prefault({})
    .describe('Further headers, each text, { env: NAME } or { file: PATH }.'),
  format: z
    .enum(['nika', 'slack'])
    .prefault('nika')
    .describe('Of the body: all that is known, or { text } as Slack, Mattermost and others take it.'),
});

const NAMES_WANTED = 'must be names; * stands for any text';
const names = () =>
  z
    .array(z.string({ error: NAMES_WANTED }).min(1).max(100))
    .min(1)
    .max(MAX_NAMES)
    .optional();

const WAYS = ['desktop', 'command', 'webhook'] as const;

type Command = readonly [string, ...string[]];

const argvOf = (command: string | readonly string[]): Command => {
  const [file = '', ...args] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  return [file, ...args];
};

const waySchema = z
  .strictObject({
    on: z
      .array(z.enum(NOTICE_KINDS))
      .min(1)
      .prefault(['failed', 'waiting', 'lost', 'budget', 'review'])
      .describe(
        'Of what it tells: finished, failed, waiting, lost, budget (a limit is reached, or nearly), review (it is asked for).',
      ),
    desktop: z
      .literal(true, { error: 'must be true; leave it away for another way' })
      .optional()
      .describe('By a notification on this desktop: notify-send, on macOS osascript.'),
    command: z
      .union([plainText, z.array(plainText).min(1)], { error: 'must be a command line, or a list of arguments' })
      .optional()
      .describe(
        'By a program, run in the home: the notification as JSON on its stdin, and NIKA_NOTIFY_… in its environment. Exit code 75: not now, again later.',
      ),
    webhook: webhookSchema.optional().describe('By a request to a server.'),
    jobs: names().describe('Only of these jobs; * stands for any text. Default: all.'),
    domains: names().describe('Only of jobs of these domains. Default: all.'),
    reasons: z
      .array(z.enum(WAIT_REASONS))
      .min(1)
      .prefault(['permission', 'question', 'idle', 'api_error', 'silent'])
      .describe('Of waiting: for what.'),
    after: durationSchema.prefault('10s').describe('Of waiting: what is over sooner is not told.'),
    timeout: durationSchema.prefault('10s').describe('Time limit of one try.'),
    minDuration: durationSchema.optional().describe('Of finished and failed: only of pods that ran at least so long.'),
  })
  .refine((way) => WAYS.filter((name) => way[name] !== undefined).length === 1, {
    error: 'must have one of "desktop", "command" and "webhook"',
    when: ({ value }) => typeof value === 'object' && value !== null,
  })
  .transform(({ desktop: _desktop, command, webhook, after, timeout, minDuration, jobs, domains, ...rest }) => {
    const names = { jobs: jobs ?? ['*'], domains: domains ?? ['*'] };
    const filters = { ...rest, ...names, afterMs: after, minDurationMs: minDuration ?? 0, timeoutMs: timeout };
    if (command !== undefined) {
      const shown = [command].flat().join(' ');
      return { ...filters, target: { kind: 'command' as const, argv: argvOf(command), shown } };
    }
    if (webhook !== undefined) return { ...filters, target: { kind: 'webhook' as const, ...webhook } };
    return { ...filters, target: { kind: 'desktop' as const } };
  });

export const notifySchema = z
  .array(waySchema)
  .max(MAX_WAYS)
  .prefault([])
  .meta({
    examples: [
      [
        { desktop: true },
        { on: ['lost'], webhook: { url: 'https://example.com/hook', secret: { env: 'HOOK_SECRET' } } },
      ],
    ],
  });

export type NotifyWay = Frozen<z.output<typeof waySchema>>;
export type NotifyTarget = NotifyWay['target'];
export type WebhookTarget = Extract<NotifyTarget, { readonly kind: 'webhook' }>;
export type CommandTarget = Extract<NotifyTarget, { readonly kind: 'command' }>;
