/**
 * Owns what opencode tells besides its calls: its sessions and subagents, turns, last words, what each request used, and
 * what it waits for. The plugin's events and the lines of its output tell the same: each is taken once.
 */
import type { AgentDesk } from '../../pod/host/agent-desk.ts';
import { countOf, type Fields, fieldsOf, listOf, numberOf, textOf, wordOf } from '../read-fields.ts';
import type { CallPlace } from './opencode-calls.ts';

interface Turn {
  readonly id: string | undefined;
  readonly prompt: string | undefined;
  readonly begunAtMs: number;
}

/** The texts of one message, by the ids of its parts. */
interface Words {
  readonly message: unknown;
  readonly texts: Map<unknown, string>;
}

/** What is remembered of messages and requests (G6). */
const MAX_KNOWN = 100_000;
const ABORTED = 'MessageAbortedError';
const LIMITED = /rate.?limit|too many requests|overloaded|quota|\b(429|529)\b/i;

const errorText = (error: Fields): string =>
  textOf(fieldsOf(error['data'])['message']) ?? textOf(error['message']) ?? textOf(error['name']) ?? 'it failed';

const modelOf = ({ providerID, modelID }: Fields): string | undefined => {
  const words = [providerID, modelID].flatMap((word) => wordOf(word) ?? []);
  return words.length === 0 ? undefined : words.join('/');
};

export class OpencodeTalk {
  readonly #desk: AgentDesk;
  readonly #isResumed: boolean;
  readonly #subs = new Set<unknown>();
  readonly #words = new Map<unknown, Words>();
  readonly #models = new Map<unknown, string>();
  readonly #counted = new Set<unknown>();
  /** Requests whose model is not known yet. */
  readonly #uncounted = new Map<unknown, Fields>();
  readonly #asked = new Map<unknown, string>();
  #root: string | undefined;
  #version: string | undefined;
  #turn: Turn | undefined;
  #error: string | undefined;
  #refused: string | undefined;
  #isMidway = false;

  constructor(desk: AgentDesk, isResumed: boolean) {
    this.#desk = desk;
    this.#isResumed = isResumed;
  }

  /** A new process: it may go well this time. */
  begin(): void {
    this.#error = undefined;
    this.#refused = undefined;
    this.#isMidway = false;
  }

  /** Why the agent's turn failed. */
  get error(): string | undefined {
    return this.#error;
  }

  /** The last request wanted calls, and none came after it: the run ended before the agent was done. */
  get unfinished(): string | undefined {
    if (!this.#isMidway) return undefined;
    const why = this.#refused === undefined ? '' : `: it was not allowed to ${this.#refused}`;
    return `opencode ended before it was done${why}`;
  }

  /** The agent's last words. */
  get answer(): string | null {
    return this.#wordsOf(this.#root) ?? null;
  }

  readonly placeOf = (session: unknown): CallPlace => ({
    turn: this.#turn?.id,
    sub: typeof session === 'string' && this.#subs.has(session) ? session : undefined,
  });

  isSub(session: unknown): boolean {
    return this.#subs.has(session);
  }

  /** An event, as the plugin tells it. */
  take(event: Fields): void {
    const told = fieldsOf(event['properties']);
    const session = told['sessionID'];
    switch (event['type']) {
      case 'session.created':
        return this.#created(fieldsOf(told['info']));
      case 'nika.child':
        return this.#startSub(event['child'], event['parent']);
      case 'nika.prompt':
        return this.#prompted(event);
      case 'message':
        return this.#message(event);
      case 'session.idle':
        return this.#idle(session);
      case 'session.error':
        return this.failed(session, fieldsOf(told['error']));
      case 'session.status':
        return this.#status(fieldsOf(told['status']));
      case 'nika.compacting':
        return this.#desk.wait('compacting', 'its context is made shorter');
      case 'session.compacted':
        return this.#desk.goOn('compacting');
      case 'permission.asked':
        return this.#permissionAsked(told);
      case 'permission.replied':
        if (told['reply'] === 'reject') this.#refused = this.#asked.get(told['requestID']);
        return this.#desk.goOn('permission');
      case 'question.asked':
        return this.#desk.wait('question', questionIn(told['questions']));
      case 'question.replied':
      case 'question.rejected':
        return this.#desk.goOn('question');
    }
  }

  /** Of a line of the output, which names the session even where there is no plugin. */
  seeSession(session: unknown): void {
    const id = wordOf(session);
    if (id !== undefined && (this.#root ?? id) === id && this.#desk.agentSession !== id) this.#seeRoot(id);
  }

  text(part: Fields): void {
    const { sessionID: session, messageID: message, id } = part;
    const text = textOf(part['text']) ?? '';
    let words = this.#words.get(session);
    if (words?.message !== message) words = undefined;
    if (words?.texts.has(id) !== true && session === this.#root) this.#desk.say(text);
    if (words === undefined) {
      if (this.#words.size >= MAX_KNOWN) this.#words.clear();
      words = { message, texts: new Map() };
      this.#words.set(session, words);
    }
    words.texts.set(id, text);
  }

  /** A request to the model is over. */
  step(part: Fields): void {
    if (part['sessionID'] === this.#root) this.#isMidway = part['reason'] === 'tool-calls';
    if (this.#counted.has(part['id'])) return;
    if (this.#models.has(part['messageID'])) this.#use(part);
    else if (this.#uncounted.size < MAX_KNOWN) this.#uncounted.set(part['id'], part);
  }

  /** Counts what nobody told the model of. */
  end(): void {
    for (const part of this.#uncounted.values()) this.#use(part);
    this.#uncounted.clear();
  }

  failed(session: unknown, error: Fields): void {
    const text = errorText(error);
    const isAborted = error['name'] === ABORTED;
    if (this.#subs.has(session)) return this.#desk.endSub(String(session), isAborted ? 'cancelled' : 'failed', text);
    this.#error = text;
    if (!isAborted) this.#desk.wait(LIMITED.test(text) ? 'rate_limit' : 'api_error', text);
    this.endTurn(isAborted ? 'interrupted' : 'failed', text);
  }

  endTurn(outcome: 'completed' | 'failed' | 'interrupted', error?: string): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
    const { answer } = this;
    this.#desk.turn({
      ...(turn.id === undefined ? {} : { turn: turn.id }),
      ...(turn.prompt === undefined ? {} : { prompt: turn.prompt }),
      ...(answer === null || outcome !== 'completed' ? {} : { answer }),
      outcome,
      ...(error === undefined ? {} : { error }),
      duration_ms: Math.round(performance.now() - turn.begunAtMs),
    });
  }

  #created(info: Fields): void {
    const parent = wordOf(info['parentID']);
    this.#version = wordOf(info['version']) ?? this.#version;
    const id = wordOf(info['id']);
    if (id === undefined) return;
    if (parent === undefined) {
      this.#root = id; // told with its first prompt, which names the model too
      return;
    }
    const what = textOf(info['title'])?.replace(/ \(@\S+ subagent\)$/, '');
    this.#startSub(id, parent, wordOf(info['agent']), what);
  }

  #startSub(child: unknown, parent: unknown, type?: string, what?: string): void {
    const id = wordOf(child);
    if (id === undefined || this.#subs.has(id) || this.#subs.size >= MAX_KNOWN) return;
    this.#subs.add(id);
    this.#desk.startSub({ id, type, what, parent: this.#subs.has(parent) ? wordOf(parent) : undefined });
  }

  #seeRoot(id: string, model?: string): void {
    this.#root = id;
    this.#desk.session({
      agent: 'opencode',
      agent_session_id: id,
      ...(this.#version === undefined ? {} : { version: this.#version }),
      ...(model === undefined ? {} : { model }),
      ...(this.#isResumed ? { resumed: true } : {}),
      via: 'pod',
    });
  }

  #prompted(event: Fields): void {
    const session = wordOf(event['sessionID']);
    if (session === undefined || this.#subs.has(session)) return;
    this.#seeRoot(session, modelOf(fieldsOf(event['model'])));
    this.begin();
    this.endTurn('interrupted'); // the one before was left without a word
    for (const reason of ['idle', 'api_error', 'rate_limit'] as const) this.#desk.goOn(reason);
    const prompt = textOf(event['text']);
    this.#turn = { id: wordOf(event['messageID']), prompt, begunAtMs: performance.now() };
  }

  #message(event: Fields): void {
    if (this.#models.size >= MAX_KNOWN) this.#models.clear();
    this.#models.set(event['id'], modelOf(event) ?? '');
    for (const [id, part] of this.#uncounted) {
      if (part['messageID'] !== event['id']) continue;
      this.#uncounted.delete(id);
      this.#use(part);
    }
  }

  #use(part: Fields): void {
    if (this.#counted.has(part['id'])) return;
    if (this.#counted.size >= MAX_KNOWN) this.#counted.clear();
    this.#counted.add(part['id']);
    const { input, output, reasoning, cache } = fieldsOf(part['tokens']);
    const cost = numberOf(part['cost']) ?? 0;
    const thought = countOf(reasoning);
    const usage = {
      scope: 'call',
      model: this.#models.get(part['messageID']) ?? '',
      input_tokens: countOf(input),
      cache_read_tokens: countOf(fieldsOf(cache)['read']),
      cache_write_tokens: countOf(fieldsOf(cache)['write']),
      output_tokens: countOf(output) + thought,
      ...(thought === 0 ? {} : { reasoning_tokens: thought }),
      // Of a model whose price it does not know it says 0.
      ...(cost > 0
        ? ({ cost_usd: cost, cost_from: 'agent' } as const)
        : ({ cost_usd: null, cost_from: 'nobody' } as const)),
    } as const;
    this.#desk.use(usage, this.placeOf(part['sessionID']).sub);
  }

  #idle(session: unknown): void {
    if (this.#subs.has(session)) return this.#desk.endSub(String(session), 'completed', this.#wordsOf(session));
    if (session === this.#root) this.endTurn('completed');
  }

  #status(status: Fields): void {
    const why = textOf(status['message']) ?? 'it failed';
    if (status['type'] === 'retry') {
      const reason = LIMITED.test(why) ? 'rate_limit' : 'api_error';
      return this.#desk.wait(reason, `${why}: tried again, attempt ${countOf(status['attempt'])}`);
    }
    for (const reason of ['rate_limit', 'api_error'] as const) this.#desk.goOn(reason);
  }

  #permissionAsked(told: Fields): void {
    const patterns = listOf(told['patterns']).flatMap((pattern) => textOf(pattern) ?? []);
    const what = [textOf(told['permission']) ?? 'a tool', ...patterns].join(' ');
    if (this.#asked.size >= MAX_KNOWN) this.#asked.clear();
    this.#asked.set(told['id'], what);
    this.#desk.wait('permission', `may it ${what}?`);
  }

  #wordsOf(session: unknown): string | undefined {
    const texts = [...(this.#words.get(session)?.texts.values() ?? [])].filter((text) => text !== '');
    return texts.length === 0 ? undefined : texts.join('\n');
  }
}

const questionIn = (questions: unknown): string => {
  const [question] = listOf(questions).map(fieldsOf);
  return textOf(question?.['question']) ?? 'it asks a question';
};
