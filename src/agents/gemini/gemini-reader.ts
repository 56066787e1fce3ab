/** Owns one run of Gemini CLI as it is read: hooks first, its stream and its transcript for what they do not tell. */
import { setImmediate as soon } from 'node:timers/promises';
import { bestEffort } from '../../failopen/best-effort.ts';
import type { MessageData } from '../../model/message.ts';
import type { AgentDesk } from '../../pod/host/agent-desk.ts';
import type { AgentExit, AgentOutcome, AgentReader, AgentWish } from '../adapter.ts';
import { lastLines } from '../last-lines.ts';
import { type Fields, textOf, wordOf } from '../read-fields.ts';
import { toldByPerson } from '../told-by-person.ts';
import { GeminiCalls } from './gemini-calls.ts';
import { endOfTold, INVOKE } from './gemini-ends.ts';
import { GeminiStream } from './gemini-stream.ts';
import { GeminiTranscript } from './gemini-transcript.ts';
import { GeminiUsage } from './gemini-usage.ts';
import { geminiVersion } from './gemini-version.ts';

interface Turn {
  readonly prompt: string | undefined;
  readonly begunAtMs: number;
}

/** A local file: more is a disk that hangs. */
const READ_BUDGET_MS = 500;
const LAST_READ_BUDGET_MS = 2_000;

export class GeminiReader implements AgentReader {
  readonly #desk: AgentDesk;
  readonly #wish: AgentWish;
  readonly #calls: GeminiCalls;
  readonly #stream: GeminiStream;
  readonly #transcript: GeminiTranscript;
  readonly #usage = new GeminiUsage();
  /** Subagents by Gemini's id: the call that started each. */
  readonly #agents = new Map<string, string>();
  #session: MessageData<'agent_session'> | undefined;
  #turn: Turn | undefined;
  #answer: string | undefined;
  #isHeard = false;
  #isUnhooked = false;

  constructor(desk: AgentDesk, wish: AgentWish) {
    this.#desk = desk;
    this.#wish = wish;
    this.#calls = new GeminiCalls(desk);
    const onSession = (line: Fields): void => this.#seeSession(line);
    this.#stream = new GeminiStream({ desk, calls: this.#calls, onSession });
    this.#transcript = new GeminiTranscript({
      onUse: (message, agent) => this.#use(message, agent),
      onCall: (call, agent) => this.#told(call, agent),
      onText: (text) => this.#said(text),
    });
  }

  readonly hook = async (event: string, payload: Fields): Promise<string> => {
    this.#isHeard = true;
    this.#seeSession(payload);
    await this.#follow(event, payload);
    switch (event) {
      case 'BeforeAgent':
        return this.#prompted(payload);
      case 'BeforeTool':
        this.#moves();
        if (this.#hasStream) await soon(); // its line of the stream was written before, and is read first
        return this.#calls.before(payload);
      case 'AfterTool': {
        this.#moves();
        const answer = await this.#calls.after(payload);
        this.#readSoon();
        return answer;
      }
      case 'AfterAgent':
        return this.#turnEnded();
      case 'Notification':
        if (payload['notification_type'] === 'ToolPermission') {
          this.#desk.wait('permission', textOf(payload['message']) ?? 'may it call a tool?');
        }
        return '';
      case 'SessionEnd':
        await this.#read(READ_BUDGET_MS);
        return '';
      default:
        return ''; // events that are of no concern, and those of newer versions
    }
  };

  readonly line = (text: string): void => {
    this.#stream.take(text);
    if (this.#isUnhooked || this.#calls.unhookedCount === 0 || this.#calls.toldCount > 0) return;
    this.#isUnhooked = true;
    this.#desk.degrade(
      'Gemini CLI calls no hooks: calls are recorded from its output, those of subagents late, and no policy holds',
    );
  };

  readonly end = async (exit: AgentExit): Promise<AgentOutcome> => {
    await this.#read(LAST_READ_BUDGET_MS);
    const { result, words, trouble, unreadableCount } = this.#stream;
    for (const usage of this.#usage.atEnd(result?.models)) this.#desk.use(usage);
    this.#usage.begin();
    this.#stream.begin();
    if (unreadableCount > 0) this.#desk.degrade(`${unreadableCount} lines of its output are no JSON`);
    if (!this.#hasStream && !this.#isHeard && this.#desk.agentSession === undefined) this.#tellUnheard();
    const message = words ?? this.#answer ?? null;
    const isOk = this.#hasStream ? result?.ok === true && trouble === undefined && exit.code === 0 : exit.code === 0;
    const error = isOk ? undefined : (result?.error ?? trouble ?? howItEnded(exit));
    this.#endTurn(isOk ? 'completed' : exit.code === null ? 'interrupted' : 'failed', error);
    return error === undefined ? { ok: true, message } : { ok: false, message, error };
  };

  get #hasStream(): boolean {
    return this.#wish.prompt !== undefined;
  }

  #tellUnheard(): void {
    this.#desk.degrade(
      'Gemini CLI called no hooks (a folder that is not trusted?): what it did is not recorded, and no policy held',
    );
  }

  #prompted(payload: Fields): string {
    this.#moves();
    this.#desk.goOn('idle');
    this.#endTurn('interrupted'); // the one before was left without a word
    this.#answer = undefined;
    this.#turn = { prompt: textOf(payload['prompt']), begunAtMs: performance.now() };
    return '';
  }

  async #turnEnded(): Promise<string> {
    this.#moves();
    await this.#read(READ_BUDGET_MS);
    const said = this.#desk.takeMessages('turn end');
    if (said !== undefined) return JSON.stringify({ decision: 'deny', reason: toldByPerson(said) });
    this.#endTurn('completed');
    if (!this.#hasStream) this.#desk.wait('idle', 'its turn is over');
    return '';
  }

  #endTurn(outcome: 'completed' | 'failed' | 'interrupted', error?: string): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
    const answer = this.#stream.words ?? this.#answer;
    this.#desk.turn({
      ...(turn.prompt === undefined ? {} : { prompt: turn.prompt }),
      ...(answer === undefined || outcome !== 'completed' ? {} : { answer }),
      outcome,
      ...(error === undefined ? {} : { error }),
      duration_ms: Math.round(performance.now() - turn.begunAtMs),
    });
  }

  /** It goes on: whatever a person was asked has been answered. */
  #moves(): void {
    for (const reason of ['permission', 'question'] as const) this.#desk.goOn(reason);
  }

  #use(message: Fields, agent: string | undefined): void {
    const { agent_session_id: session_id, model } = this.#session ?? {};
    if (agent === undefined && model === undefined) this.#seeSession({ session_id, model: message['model'] });
    const usage = this.#usage.ofMessage(message);
    if (usage !== undefined) this.#desk.use(usage, agent === undefined ? undefined : this.#agents.get(agent));
  }

  #said(text: string): void {
    this.#answer = text;
    if (!this.#hasStream) this.#desk.say(text);
  }

  /** A call as a transcript has it, when it is over. */
  #told(call: Fields, agent: string | undefined): void {
    const id = wordOf(call['id']);
    if (id === undefined) return;
    const tool = textOf(call['name']) ?? '?';
    const sub = agent === undefined ? undefined : this.#agents.get(agent);
    const end = endOfTold(call);
    const isTold = this.#hasStream && agent === undefined; // by the stream
    const own = isTold ? this.#calls.idOf(id) : this.#calls.told({ id, tool, input: call['args'] ?? null, sub }, end);
    const started = wordOf(call['agentId']);
    if (started !== undefined && tool === INVOKE) this.#agents.set(started, own);
  }

  async #follow(event: string, payload: Fields): Promise<void> {
    const path = wordOf(payload['transcript_path']);
    const session = wordOf(payload['session_id']);
    if (path === undefined || session === undefined) return;
    const isNew = event === 'SessionStart' && payload['source'] !== 'resume';
    await this.#transcript.follow(path, session, isNew);
  }

  async #read(withinMs: number): Promise<void> {
    await bestEffort('gemini.transcript', { withinMs }, () => this.#transcript.read());
  }

  #readSoon(): void {
    this.#read(READ_BUDGET_MS).then(
      () => undefined,
      () => undefined, // it does not reject
    );
  }

  /** From a hook, or from the first line of the stream, which knows the model. */
  #seeSession(told: Fields): void {
    const id = wordOf(told['session_id']);
    if (id === undefined) return;
    const before = this.#session?.agent_session_id === id ? this.#session : undefined;
    const model = wordOf(told['model']) ?? before?.model;
    const transcript = wordOf(told['transcript_path']) ?? before?.transcript;
    if (before !== undefined && model === before.model && transcript === before.transcript) return;
    const version = before?.version ?? geminiVersion(this.#wish);
    this.#session = {
      agent: 'gemini',
      agent_session_id: id,
      ...(version === undefined ? {} : { version }),
      ...(model === undefined ? {} : { model }),
      ...(transcript === undefined ? {} : { transcript }),
      ...(this.#wish.resume === undefined ? {} : { resumed: true }),
      via: 'pod',
    };
    this.#desk.session(this.#session);
  }
}

const howItEnded = ({ code, signal, stderr }: AgentExit): string => {
  const how = signal === null ? `exit code ${code ?? '?'}` : `killed by ${signal}`;
  const said = lastLines(stderr);
  return `gemini ended without a result (${how})${said === '' ? '' : `\n${said}`}`;
};
