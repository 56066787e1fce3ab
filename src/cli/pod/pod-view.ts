/** Owns what a person sees of a pod in the foreground: a live view on a terminal, plain lines in a pipe, or JSON. */
import type { PodControl } from '../../pod/pod-control.ts';
import type { PodEnded, PodEvent, PodListener, PodOutcome } from '../../pod/pod-event.ts';
import { clip, firstLine, formatDuration, padTo, printable } from '../format.ts';
import type { Terminal } from '../terminal.ts';

/** `program`: the program itself has the terminal; nika says only what has to be said. */
export type ViewMode = 'live' | 'plain' | 'json' | 'quiet' | 'program';

export interface PodView {
  readonly listener: PodListener;
  /** A word to the person that is no event of the pod. */
  readonly say: (text: string) => void;
  /** Told once the pod can be steered. */
  readonly onControl?: (control: PodControl) => void;
  /** Leaves the terminal as it was found. */
  readonly close: () => void;
}

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const SPIN_EVERY_MS = 100;
const TOOL_COLUMNS = 12;
const DURATION_COLUMNS = 9;
const ERROR_CHARS = 200;
/** As shells say of a command that was not found. */
const NOT_STARTED = 127;

const OUTCOME_WORDS: Readonly<Record<PodOutcome, string>> = {
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  timed_out: 'timed out',
  limit: 'stopped at a limit',
  interrupted: 'interrupted',
};

type ToolEnded = Extract<PodEvent, { event: 'tool_ended' }>;
type ToolStarted = Extract<PodEvent, { event: 'tool_started' }>;

/** `  ✓ shell       git log -z …            120 ms` */
const row = (terminal: Terminal, mark: string, call: { tool: string; what: string }, duration: string): string => {
  const room = Math.max(20, terminal.columns - TOOL_COLUMNS - DURATION_COLUMNS - 6);
  const what = padTo(clip(printable(firstLine(call.what)), room), room);
  return `  ${mark} ${padTo(clip(printable(call.tool), TOOL_COLUMNS - 1), TOOL_COLUMNS)}${what}${duration.padStart(DURATION_COLUMNS)}`;
};

const endedRow = (terminal: Terminal, event: ToolEnded): string => {
  const mark = event.ok ? terminal.paint('green', '✓') : terminal.paint('red', '✗');
  const line = row(terminal, mark, event, formatDuration(event.duration_ms));
  if (event.ok || event.error === undefined) return line;
  return `${line}\n      ${terminal.paint('red', clip(printable(event.error).replaceAll('\n', ' · '), ERROR_CHARS))}`;
};

const resultLines = (result: unknown): readonly string[] => {
  if (result === null || result === undefined) return [];
  if (typeof result === 'string') return result === '' ? [] : result.split('\n');
  if (typeof result !== 'object' || Array.isArray(result)) return [JSON.stringify(result)];
  return Object.entries(result).flatMap(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return text.includes('\n') ? [`${name}:`, ...text.split('\n').map((line) => `  ${line}`)] : [`${name}: ${text}`];
  });
};

const summary = (terminal: Terminal, ended: PodEnded): string => {
  const isWell = ended.outcome === 'completed';
  const outcome = terminal.paint(isWell ? 'green' : 'red', OUTCOME_WORDS[ended.outcome]);
  const calls = `${ended.calls} ${ended.calls === 1 ? 'call' : 'calls'}`;
  const errors = `${ended.errors} ${ended.errors === 1 ? 'error' : 'errors'}`;
  const dropped = Object.entries(ended.dropped).map(([name, count]) => `${name.replaceAll('_', ' ')}: ${count}`);
  const lines = [
    '',
    `${outcome} in ${formatDuration(ended.duration_ms)} · ${calls}, ${errors}`,
    ...(ended.error === undefined ? [] : [`  ${printable(ended.error)}`]),
    ...resultLines(ended.result).map((line) => `  ${printable(line)}`),
    ...(dropped.length === 0 ? [] : [terminal.paint('yellow', `dropped or delayed: ${dropped.join(', ')}`)]),
    terminal.paint('dim', `story: nika bus show ${ended.id}`),
    terminal.paint('dim', `file: ${ended.channel}`),
  ];
  if (ended.log !== null) lines.push(terminal.paint('dim', `log: ${ended.log}`));
  return `${lines.join('\n')}\n`;
};

const plainText = (terminal: Terminal, event: PodEvent): string | undefined => {
  switch (event.event) {
    case 'pod_started':
      return `${terminal.paint('bold', event.job)} ${terminal.paint('dim', event.id)}`;
    case 'task_started':
      return terminal.paint('bold', event.task);
    case 'tool_ended':
      return endedRow(terminal, event);
    case 'asked':
      return terminal.paint(
        'magenta',
        `  ? may it call ${printable(`${event.tool} ${event.what}`)}? ${printable(event.reason)}`,
      );
    case 'answered':
      return terminal.paint('magenta', `  ? ${event.allow ? 'allowed' : 'denied'}`);
    case 'queued':
      return terminal.paint('yellow', `  ! queued: ${event.why}`);
    case 'paused':
    case 'unpaused':
      return terminal.paint('yellow', `  ! ${event.event}`);
    case 'note':
      return terminal.paint('dim', `  · ${printable(event.text)}`);
    case 'degraded':
      return terminal.paint('yellow', `  ! ${event.service}: ${event.why}`);
    case 'recovered':
      return terminal.paint('green', `  ! ${event.service} is back: ${event.why}`);
    case 'tool_started':
    case 'tool_output':
    case 'task_ended':
    case 'pod_ended':
      return undefined;
  }
};

const plainView = (terminal: Terminal): PodView => ({
  listener: (event) => {
    const text = plainText(terminal, event);
    if (text !== undefined) terminal.print(`${text}\n`);
    if (event.event === 'pod_ended') terminal.print(summary(terminal, event));
  },
  say: (text) => terminal.print(`${terminal.paint('yellow', `  ! ${text}`)}\n`),
  close: () => undefined,
});

const jsonView = (terminal: Terminal): PodView => ({
  listener: (event, atMs) => terminal.print(`${JSON.stringify({ at_ms: atMs, ...event })}\n`),
  say: (text) => terminal.warn(text),
  close: () => undefined,
});

/** Only the result, so that it can be piped. */
const quietView = (terminal: Terminal): PodView => ({
  listener: (event) => {
    if (event.event !== 'pod_ended') return;
    const lines = resultLines(event.result);
    if (lines.length > 0) terminal.print(`${lines.join('\n')}\n`);
    if (event.outcome !== 'completed') terminal.warn(event.error ?? event.outcome);
  },
  say: (text) => terminal.warn(text),
  close: () => undefined,
});

/** Beside a program that has the terminal: what cannot be left unsaid, on standard error. */
const programView = (terminal: Terminal): PodView => ({
  listener: (event) => {
    if (event.event === 'queued') terminal.warn(`nika: queued: ${event.why}`);
    if (event.event !== 'pod_ended') return;
    const { error, exit_code: code, dropped } = event;
    if (error !== undefined && code === NOT_STARTED) terminal.warn(`nika: ${printable(error)}`);
    if (event.outcome === 'timed_out') terminal.warn(`nika: ${printable(error ?? 'timed out')}`);
    const lost = Object.entries(dropped).map(([name, count]) => `${name.replaceAll('_', ' ')}: ${count}`);
    if (lost.length > 0) terminal.warn(`nika: dropped or delayed: ${lost.join(', ')}`);
  },
  say: () => undefined,
  close: () => undefined,
});

/** Plain lines, with one more at the bottom for the call that runs. */
const liveView = (terminal: Terminal): PodView => {
  const { print } = terminal;
  const plain = plainView(terminal);
  let running: { readonly call: ToolStarted; readonly sinceMs: number; last: string } | undefined;
  let tick = 0;
  const draw = (): void => {
    if (running === undefined) return;
    const mark = terminal.paint('cyan', SPINNER[tick % SPINNER.length] ?? '');
    const what = running.last === '' ? running.call.what : `${running.call.what}  ${running.last}`;
    const call = { tool: running.call.tool, what };
    // No wrapping while it is drawn: a row with wide characters is longer than it is counted.
    const text = row(terminal, mark, call, formatDuration(performance.now() - running.sinceMs));
    print(`\r\u001B[K\u001B[?7l${text}\u001B[?7h`);
  };
  const timer = setInterval(() => {
    tick += 1;
    draw();
  }, SPIN_EVERY_MS).unref();
  return {
    listener: (event, atMs) => {
      if (event.event === 'tool_output') {
        if (running?.call.call === event.call) running.last = event.text.trimEnd().split('\n').at(-1) ?? '';
        return;
      }
      print('\r\u001B[K');
      if (event.event === 'tool_ended') running = undefined;
      plain.listener(event, atMs);
      if (event.event === 'tool_started') running = { call: event, sinceMs: performance.now(), last: '' };
      draw();
    },
    say: (text) => {
      print('\r\u001B[K');
      plain.say(text);
      draw();
    },
    close: () => {
      clearInterval(timer);
      print('\r\u001B[K');
    },
  };
};

export const createPodView = (terminal: Terminal, mode: ViewMode): PodView => {
  switch (mode) {
    case 'json':
      return jsonView(terminal);
    case 'quiet':
      return quietView(terminal);
    case 'live':
      return liveView(terminal);
    case 'program':
      return programView(terminal);
    case 'plain':
      return plainView(terminal);
  }
};
