/** Owns what a person sees of a pod in the foreground: a live view on a terminal, plain lines in a pipe, or JSON. */
import type { PodControl } from '../../pod/pod-control.ts';
import type { PodEnded, PodEvent, PodListener } from '../../pod/pod-event.ts';
import { columnsOf, firstLine, formatDuration, printable } from '../format.ts';
import { asCalled } from '../hint/called-as.ts';
import type { Terminal } from '../terminal.ts';
import { droppedText } from '../words/dropped.ts';
import { outcomeText } from '../words/outcome.ts';
import { usedText } from '../words/used.ts';
import { askPerson } from './ask-person.ts';
import { callRow, endedRow, type ToolStarted } from './call-rows.ts';
import { resultLines, summary } from './pod-summary.ts';
import { programView } from './program-view.ts';

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
/** From here on there is room for what was used, beside the call that runs. */
const WIDE_COLUMNS = 70;
/** A call that runs longer is told of where no spinner shows that it runs. */
const STILL_AFTER_MS = 10_000;
const STILL_EVERY_MS = 30_000;

/** What an agent says between its calls is shown so far; its last message is the result. */
const SAID_LINES = 3;

const firstLines = (text: string, count: number): string => {
  const lines = text.trim().split('\n');
  return lines.length <= count ? lines.join('\n') : `${lines.slice(0, count).join('\n')} …`;
};

const plainText = (terminal: Terminal, event: PodEvent): string | undefined => {
  switch (event.event) {
    case 'pod_started':
      return `${terminal.paint('bold', event.job)} ${terminal.paint('dim', event.id)}${event.attempt > 1 ? ` attempt ${event.attempt}` : ''}`;
    case 'task_started':
      return terminal.paint('bold', printable(event.task));
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
    case 'waiting':
      return terminal.paint('magenta', `  ! waits (${event.reason}): ${printable(event.why)}`);
    case 'going_on':
      return terminal.paint('green', '  ! goes on');
    case 'budget':
      return terminal.paint('yellow', `  ! budget: ${printable(event.detail)}`);
    case 'said':
      return terminal.paint('dim', `  ${firstLines(printable(event.text), SAID_LINES).replaceAll('\n', '\n  ')}`);
    case 'note':
      return terminal.paint('dim', `  · ${printable(event.text).replaceAll('\n', '\n    ')}`);
    case 'worktree':
      return worktreeRow(terminal, event);
    case 'degraded':
      return terminal.paint('yellow', `  ! ${event.service}: ${printable(event.why)}`);
    case 'recovered':
      return terminal.paint('green', `  ! ${event.service} is back: ${printable(event.why)}`);
    case 'tool_started':
    case 'tool_output':
    case 'used':
    case 'task_ended':
    case 'pod_ended':
      return undefined;
  }
};

type InWorktree = Extract<PodEvent, { event: 'worktree' }>;

const worktreeRow = (terminal: Terminal, { path, branch, left_behind: left }: InWorktree): string => {
  const row = terminal.paint('dim', `  · on the branch ${printable(branch)}, in ${printable(path)}`);
  if (left === undefined) return row;
  return `${row}\n${terminal.paint('yellow', `  ! not in it, since not committed: ${printable(left)}`)}`;
};

/** The pod goes on: a try that failed is not its end. */
const attemptRow = (terminal: Terminal, { attempt, attempts_left: left, error = '' }: PodEnded): string =>
  terminal.paint('yellow', `  ! attempt ${attempt} failed, ${left} left: ${printable(firstLine(error))}\n`);

/** Of a job that is a program, what that writes is what a person wants to see. */
const ofProgram = (event: PodEvent): string | undefined =>
  event.event === 'tool_output' && event.isProgram === true ? printable(event.text) : undefined;

/** Lines as things end. */
const lineView = (terminal: Terminal): PodView => {
  let toldError: string | undefined;
  let id = '@last';
  return {
    listener: (event) => {
      const output = ofProgram(event);
      if (output !== undefined) terminal.print(output);
      const text = plainText(terminal, event);
      if (text !== undefined) terminal.print(`${text}\n`);
      if (event.event === 'pod_started') ({ id } = event);
      if (event.event === 'asked')
        terminal.print(terminal.paint('dim', `    nika pod allow ${id}, or nika pod deny ${id}\n`));
      if (event.event === 'tool_ended' && event.error !== undefined) toldError = event.error;
      if (event.event !== 'pod_ended') return;
      terminal.print(event.attempts_left > 0 ? attemptRow(terminal, event) : summary(terminal, event, toldError));
    },
    say: (text) => terminal.print(`${terminal.paint('yellow', `  ! ${text}`)}\n`),
    close: () => undefined,
  };
};

/** The same for a pipe, where a call that runs long gets a line now and then: somebody may wait for it. */
const plainView = (terminal: Terminal): PodView => {
  const lines = lineView(terminal);
  /** By call: an agent has several at once. */
  const timers = new Map<string, NodeJS.Timeout>();
  const tellOf = (call: ToolStarted, sinceMs: number, afterMs: number): void => {
    const timer = setTimeout(() => {
      const what = `${printable(call.tool)} ${printable(call.what)}`;
      terminal.print(terminal.paint('dim', `  … still running for ${formatDuration(Date.now() - sinceMs)}: ${what}\n`));
      tellOf(call, sinceMs, STILL_EVERY_MS);
    }, afterMs).unref();
    timers.set(call.call, timer);
  };
  const forget = (call: string): void => {
    clearTimeout(timers.get(call));
    timers.delete(call);
  };
  const close = (): void => {
    for (const call of timers.keys()) forget(call);
  };
  return {
    listener: (event, atMs) => {
      if (event.event === 'tool_started') tellOf(event, Date.now(), STILL_AFTER_MS);
      if (event.event === 'tool_ended' || event.event === 'asked') forget(event.call);
      if (event.event === 'pod_ended') close();
      lines.listener(event, atMs);
    },
    say: lines.say,
    close,
  };
};

const jsonView = (terminal: Terminal): PodView => ({
  listener: (event, atMs) => terminal.print(`${JSON.stringify({ at_ms: atMs, ...event })}\n`),
  say: (text) => terminal.warn(text),
  close: () => undefined,
});

/** Only the result, so that it can be piped. What went wrong with the pod or its record is told beside, on standard error. */
const quietView = (terminal: Terminal): PodView => {
  const degraded = new Set<string>();
  return {
    listener: (event) => {
      if (event.event === 'degraded') degraded.add(`${event.service}: ${event.why}`);
      if (event.event !== 'pod_ended' || event.attempts_left > 0) return;
      const lines = resultLines(event.result);
      const text = terminal.stdout.isTTY ? lines.map(printable) : lines;
      if (text.length > 0) terminal.print(`${text.join('\n')}\n`);
      if (event.outcome === 'awaiting_review')
        terminal.warn(asCalled(terminal, `awaits review: nika review show ${event.id}`));
      else if (event.outcome !== 'completed') terminal.warn(printable(event.error ?? outcomeText(event.outcome)));
      const [first = '', ...more] = degraded;
      const troubles = [first, more.length === 0 ? '' : `and ${more.length} more`, droppedText(event.dropped)];
      const told = troubles.filter((trouble) => trouble !== '').join('; ');
      if (told !== '') terminal.warn(`${terminal.paint('yellow', 'nika:')} ${printable(told)}`);
    },
    say: (text) => terminal.warn(text),
    close: () => undefined,
  };
};

/** The last line in a piece of output that says something; what a carriage return has overwritten does not count. */
const lastLine = (text: string): string | undefined =>
  text
    .split(/[\r\n]+/)
    .map((line) => printable(line).replaceAll('\t', ' ').trim())
    .findLast((line) => line !== '');

/** Lines as things end, with one more at the bottom for the call that runs. */
const liveView = (terminal: Terminal): PodView => {
  const { print } = terminal;
  const lines = lineView(terminal);
  /** By call, the oldest first: an agent has several at once. */
  const running = new Map<string, { readonly call: ToolStarted; readonly sinceMs: number; last: string }>();
  let tick = 0;
  let used = '';
  let control: PodControl | undefined;
  let asking: Disposable | undefined;
  const draw = (): void => {
    const newest = [...running.values()].at(-1);
    if (newest === undefined || asking !== undefined) return;
    const { call, last, sinceMs } = newest;
    const mark = terminal.paint('cyan', SPINNER[tick % SPINNER.length] ?? '');
    // No wrapping while it is drawn: a row with wide characters is longer than it is counted.
    const beside = used === '' || terminal.columns < WIDE_COLUMNS ? '' : `  ${used}`;
    const room = { columns: terminal.columns - columnsOf(beside) };
    const row =
      callRow(room, { mark, call, durationMs: performance.now() - sinceMs, last }) + terminal.paint('dim', beside);
    print(`\r\u001B[K\u001B[?7l${row}\u001B[?7h`);
  };
  const timer = setInterval(() => {
    tick += 1;
    draw();
  }, SPIN_EVERY_MS).unref();
  return {
    listener: (event, atMs) => {
      if (event.event === 'tool_output' && event.isProgram !== true) {
        const call = running.get(event.call);
        if (call !== undefined) call.last = lastLine(event.text) ?? call.last;
        return;
      }
      print('\r\u001B[K');
      if (event.event === 'used') used = usedText(event.tokens, event.cost_usd, event.unpriced_tokens);
      if (event.event === 'tool_ended') running.delete(event.call);
      lines.listener(event, atMs);
      if (event.event === 'tool_started')
        running.set(event.call, { call: event, sinceMs: performance.now(), last: '' });
      if (event.event === 'asked') asking = askPerson(event.call, control);
      if (event.event === 'answered') {
        asking?.[Symbol.dispose]();
        asking = undefined;
      }
      draw();
    },
    onControl: (given) => {
      control = given;
    },
    say: (text) => {
      print('\r\u001B[K');
      lines.say(text);
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
