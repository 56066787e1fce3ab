/** Owns the telling by a program of this machine: a command of the user's, or the notification of the desktop. */
import { type ProgramOutcome, tryRunProgram } from '../../failopen/program.ts';
import type { Notice } from '../../model/notice.ts';
import { withoutProviderKeys } from '../../model/provider-keys.ts';
import type { SendOutcome } from './outcome.ts';
import type { Place } from './text-source.ts';

type Argv = readonly [string, ...string[]];

const MAX_OUTPUT_BYTES = 4096;
const WHY_CHARS = 200;
/** EX_TEMPFAIL of sysexits.h. */
const LATER_CODE = 75;

type Exited = Extract<ProgramOutcome, { readonly kind: 'exited' }>;

const lastLine = ({ stderr }: Exited): string => stderr.text.trim().split('\n').at(-1)?.slice(0, WHY_CHARS) ?? '';

const judge = (outcome: ProgramOutcome, withinMs: number): SendOutcome => {
  if (outcome.kind === 'not-started') return { kind: 'refused', why: outcome.why };
  if (outcome.kind !== 'exited') {
    if (outcome.kind === 'aborted') return { kind: 'failed', why: 'ended before it was done' };
    return { kind: 'refused', why: `it did not end within ${withinMs / 1000} s` };
  }
  const { code, signal } = outcome;
  if (code === 0) return { kind: 'sent' };
  const how = signal === null ? `exit code ${code}` : `killed by ${signal}`;
  const said = lastLine(outcome);
  return { kind: code === LATER_CODE ? 'failed' : 'refused', why: said === '' ? how : `${how}: ${said}` };
};

/** What names a pod to the tree that it belongs to, or nika's own, is nothing of a program that tells people. */
const NOT_PASSED: readonly string[] = ['NIKA_TREE', 'NIKA_SESSION_ID', 'NIKA_ENTITY_ID', 'NIKA_SOCKET', 'TRACEPARENT'];

const passed = (env: Place['env']): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(withoutProviderKeys(env)).flatMap(([name, value]) =>
      value === undefined || NOT_PASSED.includes(name) ? [] : [[name, value]],
    ),
  );

/** What a shell command needs without reading JSON. */
export const noticeEnv = ({ on, title, text, pod, waiting, end }: Notice): Readonly<Record<string, string>> => ({
  NIKA_NOTIFY_ON: on,
  NIKA_NOTIFY_TITLE: title,
  NIKA_NOTIFY_TEXT: text,
  NIKA_NOTIFY_POD: pod.id,
  NIKA_NOTIFY_SESSION: pod.session,
  NIKA_NOTIFY_JOB: pod.job,
  NIKA_NOTIFY_HOST: pod.host,
  NIKA_NOTIFY_REASON: waiting?.reason ?? '',
  NIKA_NOTIFY_OUTCOME: end?.outcome ?? '',
  NIKA_NOTIFY_EXIT_CODE: String(end?.exit_code ?? ''),
});

interface Telling {
  readonly argv: Argv;
  readonly stdin: string;
  readonly env: Readonly<Record<string, string>>;
  readonly withinMs: number;
}

const run = async (telling: Telling, { dir }: Place, signal: AbortSignal): Promise<SendOutcome> => {
  const outcome = await tryRunProgram({ ...telling, cwd: dir, maxOutputBytes: MAX_OUTPUT_BYTES }, signal);
  if (outcome.kind === 'late' || outcome.kind === 'aborted') await outcome.gone;
  return judge(outcome, telling.withinMs);
};

export interface ProgramCall {
  readonly notice: Notice;
  readonly withinMs: number;
}

/** One try. Never rejects. */
export const tryCommand = (
  argv: Argv,
  { notice, withinMs }: ProgramCall,
  place: Place,
  signal: AbortSignal,
): Promise<SendOutcome> => {
  const env = { ...passed(place.env), ...noticeEnv(notice), NIKA_HOME: notice.pod.home };
  return run({ argv, stdin: `${JSON.stringify(notice)}\n`, env, withinMs }, place, signal);
};

/** Some desktops take markup in the text, none in the title. */
const plainMarkup = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** AppleScript is given the words as arguments: nothing of them is a part of the script. */
const APPLE_SCRIPT = [
  'on run argv',
  'display notification (item 2 of argv) with title (item 1 of argv)',
  'end run',
] as const;

/** What shows a notification on this system; elsewhere than on macOS that is the way of the Linux desktops. */
export const desktopArgv = ({ title, text, on }: Notice, platform: NodeJS.Platform): Argv => {
  if (platform === 'darwin') return ['osascript', ...APPLE_SCRIPT.flatMap((line) => ['-e', line]), title, text];
  const urgency = on === 'finished' ? 'low' : 'normal';
  return ['notify-send', '--app-name=nika', `--urgency=${urgency}`, '--', title, plainMarkup(text)];
};

/** What shows it, and how one comes by that. */
const MISSING = {
  'notify-send': 'there is no notify-send on the PATH (on Debian in the package libnotify-bin)',
  osascript: 'there is no osascript on the PATH',
} as const;

export const desktopProgram = (platform: NodeJS.Platform): keyof typeof MISSING =>
  platform === 'darwin' ? 'osascript' : 'notify-send';

export const desktopMissing = (platform: NodeJS.Platform): string => MISSING[desktopProgram(platform)];

/** One try. Never rejects. */
export const tryDesktop = async (
  { notice, withinMs }: ProgramCall,
  place: Place,
  signal: AbortSignal,
): Promise<SendOutcome> => {
  const argv = desktopArgv(notice, process.platform);
  const outcome = await run({ argv, stdin: '', env: passed(place.env), withinMs }, place, signal);
  const isMissing = outcome.kind === 'refused' && outcome.why.startsWith('command not found');
  return isMissing ? { kind: 'refused', why: desktopMissing(process.platform) } : outcome;
};
