/** Owns the tool calls of opencode as its plugin and its output tell of them, and what the plugin is answered. */
import type { AgentCall, AgentCallEnd, AgentDesk } from '../../pod/host/agent-desk.ts';
import { type Fields, fieldsOf, listOf, numberOf, textOf, wordOf } from '../read-fields.ts';
import { toldByPerson } from '../told-by-person.ts';

/** The tool that opencode calls in place of one that is unknown, not allowed, or called with what is no JSON. */
const INVALID = 'invalid';
/** What stands in a call that was broken off, as its error. */
const BROKEN_OFF = /^(Tool execution aborted|Cancelled|Aborted)\b/;
/** Ids that were used again (G6). */
const MAX_RENAMED = 10_000;

export interface CallPlace {
  readonly turn: string | undefined;
  readonly sub: string | undefined;
}

const failureOf = (error: string): AgentCallEnd =>
  BROKEN_OFF.test(error) ? { ok: false, error, isInterrupt: true } : { ok: false, error };

/** Of a server of tools. */
const contentText = (content: unknown): string =>
  listOf(content)
    .map((part) => textOf(fieldsOf(part)['text']) ?? '')
    .join('\n');

/** Why a command has no exit code: what opencode puts behind its output says so. */
const TERMINATED = /<shell_metadata>\n([^\n]*?)(?:\. If |\n|$)/;

/** How a tool that did not throw ended: a program that it ran may have failed. */
const endOf = (output: Fields): AgentCallEnd => {
  const { exit } = fieldsOf(output['metadata']);
  const exitCode = numberOf(exit);
  if (exit === null) {
    const error = TERMINATED.exec(textOf(output['output']) ?? '')?.[1] ?? 'the command was terminated';
    return { ok: false, error, response: output, isInterrupt: true };
  }
  if (output['isError'] === true) return { ok: false, error: contentText(output['content']), response: output };
  if (exitCode === undefined) return { ok: true, response: output };
  if (exitCode === 0) return { ok: true, response: output, exitCode };
  return { ok: false, error: `Exit code ${exitCode}`, response: output, exitCode };
};

export class OpencodeCalls {
  readonly #desk: AgentDesk;
  readonly #placeOf: (session: unknown) => CallPlace;
  /** Names of calls whose id was used before, by session and id: some providers count from 0 in each answer. */
  readonly #renamed = new Map<string, string>();

  constructor(desk: AgentDesk, placeOf: (session: unknown) => CallPlace) {
    this.#desk = desk;
    this.#placeOf = placeOf;
  }

  /** A call is to be made: `deny` refuses it, `args` is what it is to be made with. */
  async before(told: Fields): Promise<string> {
    if (told['tool'] === INVALID) return '';
    const call = this.#callOf(told, told['args'], 'hook', true);
    if (call === undefined) return '';
    const verdict = await this.#desk.begin(call);
    if (verdict.kind === 'denied') return JSON.stringify({ deny: verdict.reason });
    return verdict.input === undefined ? '' : JSON.stringify({ args: verdict.input });
  }

  /** A call was made: `say` is put behind what it answered. */
  async after(told: Fields): Promise<string> {
    const call = this.#callOf(told, told['args'], 'hook');
    if (call === undefined) return '';
    const isInvalid = told['tool'] === INVALID;
    await this.#desk.end(call.id, isInvalid ? invalidEnd(told['args']) : endOf(fieldsOf(told['output'])), call);
    if (call.sub !== undefined) return ''; // people speak to the agent itself
    const said = this.#desk.takeMessages('tool call', call.id);
    return said === undefined ? '' : JSON.stringify({ say: toldByPerson(said) });
  }

  /** The part of a message that a call is, once it is over: of a call that threw nothing else tells. */
  ended(part: Fields, source: AgentCall['source']): void {
    const state = fieldsOf(part['state']);
    const call = this.#callOf(part, state['input'], source);
    if (call === undefined || this.#desk.isDone(call.id)) return;
    const { start, end } = fieldsOf(state['time']);
    const tookMs = (numberOf(end) ?? NaN) - (numberOf(start) ?? NaN);
    const timed = Number.isNaN(tookMs) ? {} : { durationMs: tookMs };
    const how =
      part['tool'] === INVALID
        ? invalidEnd(state['input'])
        : state['status'] === 'error'
          ? failureOf(textOf(state['error']) ?? 'it failed')
          : endOf({ title: state['title'], output: state['output'], metadata: state['metadata'] });
    this.#desk.end(call.id, { ...how, ...timed }, call).then(
      () => undefined,
      () => undefined, // it does not reject
    );
  }

  /** Whether it is on the bus. */
  isDone(part: Fields): boolean {
    const call = this.#callOf(part, null, 'stream');
    return call === undefined || this.#desk.isDone(call.id);
  }

  #callOf(told: Fields, input: unknown, source: AgentCall['source'], isNew = false): AgentCall | undefined {
    const session = wordOf(told['sessionID']);
    // A command that is a task of its own is told by the id of its part before and after.
    const part = wordOf(told['id']);
    const id = part !== undefined && this.#isKnown(part) ? part : wordOf(told['callID']);
    if (id === undefined) return undefined;
    const isInvalid = told['tool'] === INVALID;
    const tool = isInvalid ? textOf(fieldsOf(input)['tool']) : textOf(told['tool']);
    const place = this.#placeOf(session);
    const named = this.#nameOf(`${session} ${id}`, id, isNew);
    return { id: named, tool: tool ?? '?', input: isInvalid ? null : (input ?? null), source, ...place };
  }

  #nameOf(key: string, id: string, isNew: boolean): string {
    if (!isNew || !this.#isKnown(this.#renamed.get(key) ?? id)) return this.#renamed.get(key) ?? id;
    if (this.#renamed.size >= MAX_RENAMED) this.#renamed.clear();
    let count = 2;
    while (this.#isKnown(`${id}~${count}`)) count += 1;
    this.#renamed.set(key, `${id}~${count}`);
    return `${id}~${count}`;
  }

  #isKnown(id: string): boolean {
    return this.#desk.isOpen(id) || this.#desk.isDone(id);
  }
}

const invalidEnd = (input: unknown): AgentCallEnd => failureOf(textOf(fieldsOf(input)['error']) ?? 'no such tool');
