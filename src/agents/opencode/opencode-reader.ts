/** Owns one run of opencode as it is read: its plugin first, the lines of its output for what that does not tell. */
import type { AgentDesk } from '../../pod/host/agent-desk.ts';
import type { AgentExit, AgentOutcome, AgentReader, AgentWish } from '../adapter.ts';
import { lastLines } from '../last-lines.ts';
import { type Fields, fieldsOf, listOf, parseFields } from '../read-fields.ts';
import { OpencodeCalls } from './opencode-calls.ts';
import { OpencodeTalk } from './opencode-talk.ts';

/** Calls of lines that are looked at when the run is over (G6). */
const MAX_LINES = 100_000;

export class OpencodeReader implements AgentReader {
  readonly #desk: AgentDesk;
  readonly #wish: AgentWish;
  readonly #talk: OpencodeTalk;
  readonly #calls: OpencodeCalls;
  readonly #lines: Fields[] = [];
  #isHeard = false;
  #isSilent = false;
  #unreadableCount = 0;
  #droppedCount = 0;

  constructor(desk: AgentDesk, wish: AgentWish) {
    this.#desk = desk;
    this.#wish = wish;
    this.#talk = new OpencodeTalk(desk, wish.resume !== undefined);
    this.#calls = new OpencodeCalls(desk, this.#talk.placeOf);
  }

  readonly hook = async (name: string, payload: Fields): Promise<string> => {
    this.#isHeard = true;
    const events = listOf(payload['events']).map(fieldsOf);
    for (const event of events) this.#event(event);
    if (typeof payload['dropped'] === 'number') this.#droppedCount += payload['dropped'];
    if (name === 'before') return this.#calls.before(payload);
    if (name === 'after') return this.#calls.after(payload);
    return this.#atRest(events);
  };

  readonly line = (text: string): void => {
    const line = parseFields(text);
    if (line === undefined) {
      this.#unreadableCount += 1;
      return;
    }
    this.#talk.seeSession(line['sessionID']);
    const part = fieldsOf(line['part']);
    switch (line['type']) {
      case 'text':
        return this.#talk.text(part);
      case 'step_finish':
        return this.#talk.step(part);
      case 'error':
        return this.#isHeard ? undefined : this.#talk.failed(line['sessionID'], fieldsOf(line['error']));
      case 'tool_use':
        return this.#toolLine(part);
    }
  };

  readonly end = async (exit: AgentExit): Promise<AgentOutcome> => {
    for (const part of this.#lines.splice(0)) if (!this.#calls.isDone(part)) this.#calls.ended(part, 'stream');
    this.#talk.end();
    this.#tellDoubts();
    const { answer: message, error, unfinished } = this.#talk;
    const isHeadless = this.#wish.prompt !== undefined;
    const why = exit.code === 0 ? (isHeadless ? (error ?? unfinished) : undefined) : (error ?? howItEnded(exit));
    const isOk = why === undefined;
    this.#talk.endTurn(isOk ? 'completed' : exit.code === null ? 'interrupted' : 'failed', why);
    this.#talk.begin();
    return isOk ? { ok: true, message } : { ok: false, message, error: why };
  };

  #event(event: Fields): void {
    if (event['type'] !== 'part') return this.#talk.take(event);
    const part = fieldsOf(event['part']);
    if (part['type'] === 'tool') return this.#calls.ended(part, 'hook');
    return part['type'] === 'text' ? this.#talk.text(part) : this.#talk.step(part);
  }

  /** Where a person sits before it and its turn is over, what was said to it meanwhile is its next prompt. */
  #atRest(events: readonly Fields[]): string {
    if (this.#wish.prompt !== undefined) return '';
    const idle = events.findLast(({ type }) => type === 'session.idle');
    const session = fieldsOf(idle?.['properties'])['sessionID'];
    if (session === undefined || this.#talk.isSub(session)) return '';
    const text = this.#desk.takeMessages('turn end');
    if (text !== undefined) return JSON.stringify({ prompt: { session, text } });
    this.#desk.wait('idle', 'its turn is over');
    return '';
  }

  /** While the plugin speaks, lines wait: it tells the same, and ids may be used again meanwhile. */
  #toolLine(part: Fields): void {
    if (this.#isHeard) {
      if (this.#lines.length < MAX_LINES && !this.#calls.isDone(part)) this.#lines.push(part);
      return;
    }
    this.#calls.ended(part, 'stream');
    if (this.#isSilent) return;
    this.#isSilent = true;
    this.#desk.degrade(
      "opencode does not call nika's plugin: calls are recorded from its output, those of subagents are not, and no policy holds",
    );
  }

  #tellDoubts(): void {
    if (this.#wish.prompt === undefined && !this.#isHeard) {
      this.#desk.degrade("opencode did not load nika's plugin: what it did is not recorded, and no policy held");
    }
    if (this.#unreadableCount > 0) this.#desk.degrade(`${this.#unreadableCount} lines of its output are no JSON`);
    if (this.#droppedCount > 0) this.#desk.degrade(`opencode's plugin could not tell ${this.#droppedCount} events`);
    this.#unreadableCount = 0;
    this.#droppedCount = 0;
  }
}

const howItEnded = ({ code, signal, stderr }: AgentExit): string => {
  const how = signal === null ? `exit code ${code ?? '?'}` : `killed by ${signal}`;
  const said = lastLines(stderr);
  return `opencode ended without an answer (${how})${said === '' ? '' : `\n${said}`}`;
};
