/** Owns one run of Claude Code as it is read: hooks first, its stream for what they do not tell, paired by the call's id. */
import type { MessageData } from '../../model/message.ts';
import type { AgentDesk } from '../../pod/host/agent-desk.ts';
import type { AgentExit, AgentOutcome, AgentReader, AgentWish } from '../adapter.ts';
import { HookForm } from '../hook-form/hook-form.ts';
import { type Fields, textOf, wordOf } from '../read-fields.ts';
import { ClaudeStream } from './claude-stream.ts';

const STDERR_LINES = 10;

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-STDERR_LINES).join('\n');

export class ClaudeReader implements AgentReader {
  readonly #agent: string;
  readonly #desk: AgentDesk;
  readonly #wish: AgentWish;
  readonly #hooks: HookForm;
  readonly #stream: ClaudeStream;
  #session: MessageData<'agent_session'> | undefined;

  /** `agent`: one that speaks its form. */
  constructor(desk: AgentDesk, wish: AgentWish, agent = 'claude-code') {
    this.#agent = agent;
    this.#desk = desk;
    this.#wish = wish;
    const onSession = (told: Fields): void => this.#seeSession(told);
    const prints = wish.args.some((arg) => arg === '-p' || arg === '--print');
    const isInteractive = wish.prompt === undefined && !prints;
    // `Task` is what its older versions call it.
    const toolOf = (name: string): string => (name === 'Task' ? 'Agent' : name);
    this.#hooks = new HookForm({ desk, isInteractive, onSession, toolOf });
    this.#stream = new ClaudeStream(desk, onSession);
  }

  readonly hook = (event: string, payload: Fields): Promise<string> => this.#hooks.take(event, payload);

  readonly line = (text: string): void => {
    this.#stream.take(text);
    if (this.#stream.unhookedCount > 0 && this.#hooks.toldCount === 0) this.#tellUnhooked();
  };

  readonly end = async (exit: AgentExit): Promise<AgentOutcome> => {
    const { result, unreadableCount } = this.#stream;
    this.#stream.begin();
    const isOk = result?.ok ?? (exit.code === 0 && this.#wish.prompt === undefined);
    this.#hooks.endTurn(isOk ? 'completed' : exit.code === null ? 'interrupted' : 'failed');
    if (unreadableCount > 0) this.#desk.degrade(`${unreadableCount} lines of its output are no JSON`);
    const message = result?.message ?? this.#hooks.answer ?? null;
    if (isOk) return { ok: true, message };
    const how = exit.signal === null ? `exit code ${exit.code ?? '?'}` : `killed by ${exit.signal}`;
    const said = lastLines(exit.stderr);
    const error = result?.error ?? `claude ended without a result (${how})${said === '' ? '' : `\n${said}`}`;
    return { ok: false, message, error };
  };

  #tellUnhooked(): void {
    this.#desk.degrade(
      'Claude Code calls no hooks (managed settings, or --bare): tool calls are recorded from its output, and no policy holds',
    );
  }

  /** From a hook, or from the first line of the stream, which knows more. */
  #seeSession(told: Fields): void {
    const id = wordOf(told['session_id']);
    if (id === undefined) return;
    const before = this.#session?.agent_session_id === id ? this.#session : undefined;
    const version = wordOf(told['claude_code_version']) ?? before?.version;
    const model = wordOf(told['model']) ?? before?.model;
    const transcript = textOf(told['transcript_path']) ?? before?.transcript;
    if (before !== undefined && version === before.version && transcript === before.transcript) return;
    this.#session = {
      agent: this.#agent,
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
