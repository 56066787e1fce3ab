/**
 * Owns what an agent that runs in a pod can make known: its calls as they begin and end, its subagents, turns, costs, and
 * what it waits for; and what people say to it. Adapters of agents speak to this, whatever the agent calls things.
 *
 * K2. Nothing here throws, and after `close` nothing is written: the last lines are the supervisor's.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { MessageData, WaitReason } from '../../model/message.ts';
import type { Usage } from '../../model/usage.ts';
import type { PodEntity } from '../entity.ts';
import type { PodControl } from '../pod-control.ts';
import type { Session } from '../session.ts';
import type { PodMessage } from '../socket/protocol.ts';
import { type AgentCall, type AgentCallEnd, AgentCalls, type AgentVerdict } from './agent-calls.ts';
import { type AgentSub, AgentSubs, type SubOutcome } from './agent-subs.ts';
import type { PodHost } from './pod-host.ts';

export interface AgentDeskOptions {
  readonly session: Session;
  readonly host: PodHost;
  readonly job: PodEntity;
  readonly control: PodControl;
  readonly onAgentSession: (session: string) => void;
  /** Which agent it is, where the job does not say so. */
  readonly agent?: string;
  /** Where it is not nika that started the agent. */
  readonly via?: MessageData<'agent_session'>['via'];
}

export type { AgentCall, AgentCallEnd, AgentVerdict };

export class AgentDesk {
  readonly #options: AgentDeskOptions;
  readonly #calls: AgentCalls;
  readonly #subs: AgentSubs;
  readonly #messages: PodMessage[] = [];
  #unlisten: () => void = () => undefined;
  /** Set in what a hook tells that nobody waits for. */
  readonly #unheard = new AsyncLocalStorage<true>();
  readonly #onMessage = new Set<() => void>();
  #isClosed = false;

  constructor(options: AgentDeskOptions) {
    this.#options = options;
    this.#subs = new AgentSubs(options);
    const isHookedOnce = options.via !== 'hooks';
    this.#calls = new AgentCalls({ host: options.host, entityOf: (sub) => this.#subs.entityOf(sub), isHookedOnce });
    if (options.via === 'hooks') return; // its hooks answer nothing: nobody listens
    this.#unlisten = options.control.listen((push) => {
      if (push.push !== 'message') return;
      const { push: _, ...message } = push;
      this.#messages.push(message);
      for (const told of this.#onMessage) told();
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the call is under way. */
  isOpen(id: string): boolean {
    return this.#calls.isOpen(id);
  }

  /** Whether the call is on the bus, or was denied. */
  isDone(id: string): boolean {
    return this.#calls.isDone(id);
  }

  /** Ids of the calls that began and did not end, the oldest first. */
  openCalls(): readonly string[] {
    return this.#calls.open;
  }

  /** A call is to be made: what the policy and the hooks of users say. One that is known already may go. */
  begin(call: AgentCall): Promise<AgentVerdict> {
    if (this.#isClosed) return Promise.resolve({ kind: 'go' });
    if (!this.#calls.isKnown(call)) this.#tellSaid();
    const verdict = this.#calls.begin(call);
    return this.#isUnheard ? Promise.resolve({ kind: 'go' }) : verdict;
  }

  /**
   * A call ended. Resolves once its line is on the bus. The first end stands (K1). `call`: what it is, for one whose
   * beginning nobody told.
   */
  async end(id: string, end: AgentCallEnd, call?: AgentCall): Promise<void> {
    if (this.#isClosed || this.#calls.isDone(id)) return;
    if (!this.#calls.isOpen(id) && call !== undefined) this.#tellSaid();
    await this.#calls.end(id, end, call);
  }

  /** The agent told its session; more than once does no harm, what is new is written. */
  session(said: MessageData<'agent_session'>): void {
    if (this.#isClosed) return;
    const told = { ...said, via: this.#options.via ?? said.via };
    const key = JSON.stringify(told);
    if (key === this.#toldSession) return;
    this.#toldSession = key;
    this.#options.job.record('agent_session', told);
    this.#agentSession = told.agent_session_id;
    this.#options.onAgentSession(told.agent_session_id);
  }

  /** The agent's own id of its session, once it told. */
  get agentSession(): string | undefined {
    return this.#agentSession;
  }

  #agentSession: string | undefined;
  #toldSession: string | undefined;

  turn(turn: MessageData<'agent_turn'>): void {
    if (!this.#isClosed) this.#options.job.record('agent_turn', turn);
  }

  /** What it says between its calls: shown before the next one, and not on the bus. What it says last is its result. */
  say(text: string): void {
    if (text.trim() !== '') this.#said = text;
  }

  #said: string | undefined;

  #tellSaid(): void {
    if (this.#said !== undefined) this.#options.session.tell({ event: 'said', text: this.#said });
    this.#said = undefined;
  }

  /**
   * Of the job, or of a subagent. Lines of one session do not overlap: see `usage` in the model. Where the agent tells no
   * cost it is made from the price table, unless the agent tells it later.
   */
  use(usage: Usage, sub?: string): void {
    if (!this.#isClosed) this.#options.host.use(usage, this.#subs.entityOf(sub), this.#options.agent);
  }

  startSub(sub: AgentSub): void {
    if (!this.#isClosed) this.#subs.start(sub);
  }

  /** `summary`: its last message. */
  endSub(id: string, outcome: SubOutcome, summary?: string): void {
    if (!this.#isClosed) this.#subs.end(id, outcome, summary);
  }

  /** The agent does not go on; `why`: for a person. */
  wait(reason: WaitReason, why: string): void {
    if (this.#isClosed || !this.#options.control.holdUp(reason, why)) return;
    this.#options.job.record('condition', { condition: 'pod_waiting', reason, detail: why });
    this.#options.session.tell({ event: 'waiting', reason, why });
  }

  /** It goes on; without `reason`: whatever it waited for. */
  goOn(reason?: WaitReason): void {
    const { control, job, session } = this.#options;
    if (this.#isClosed) return;
    for (const waited of reason === undefined ? control.waits : [reason]) {
      if (!control.goOn(waited)) continue;
      job.record('condition', { condition: 'pod_back', reason: waited });
      session.tell({ event: 'going_on', reason: waited });
    }
  }

  /** Hooks of the agent do not work, or only in part (G9). */
  degrade(why: string): void {
    if (!this.#isClosed) this.#options.session.degrade('hooks', why);
  }

  /** How many messages wait for the agent. */
  get messageCount(): number {
    return this.#messages.length;
  }

  /** Told whenever a message came; the return ends that. */
  onMessage(told: () => void): () => void {
    this.#onMessage.add(told);
    return () => this.#onMessage.delete(told);
  }

  /** What people said since: it reaches the agent now, and the bus says so. `undefined`: nothing. */
  takeMessages(how: MessageData<'message_delivered'>['how'], toolUseId?: string): string | undefined {
    if (this.#isClosed || this.#isUnheard || this.#messages.length === 0) return undefined;
    const taken = this.#messages.splice(0);
    for (const { text, at, from } of taken) {
      this.#options.job.record('message_delivered', {
        how,
        body: text,
        sent_at: at,
        ...(from === undefined ? {} : { from }),
        ...(toolUseId === undefined ? {} : { tool_use_id: toolUseId }),
      });
    }
    return taken.map(({ text }) => text).join('\n\n');
  }

  /**
   * Does what a hook tells that nobody waits for any more: no verdict holds it up, and what people said is kept for one
   * whose answer is heard.
   */
  unheard<T>(work: () => Promise<T>): Promise<T> {
    return this.#unheard.run(true, work);
  }

  get #isUnheard(): boolean {
    return this.#unheard.getStore() === true;
  }

  /** Ends what the agent left open, and takes nothing more (K2). */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.goOn();
    await this.#calls.close();
    this.#subs.close();
    this.#isClosed = true;
    this.#unlisten();
  }
}
