/**
 * Owns one run of Codex as it is read: hooks first, then its session files, paired by the call's id; its output for how the
 * run ended.
 */
import type { MessageData } from '../../model/message.ts';
import type { AgentCall, AgentCallEnd, AgentDesk } from '../../pod/host/agent-desk.ts';
import type { AgentExit, AgentOutcome, AgentReader, AgentWish } from '../adapter.ts';
import { HookForm } from '../hook-form/hook-form.ts';
import { type Fields, fieldsOf, parseFields, textOf, wordOf } from '../read-fields.ts';
import { ExecStream } from './exec-stream.ts';
import type { Tokens } from './rollout/rollout-line.ts';
import { type ThreadTold, UNTOLD } from './rollout/rollout-thread.ts';
import { Rollouts } from './rollout/rollouts.ts';
import { endOfItem } from './rollout/tool-item.ts';
import { hookedTool, SHELL } from './rollout/tool-names.ts';

const STDERR_LINES = 10;
/** A session file is there within that, or Codex writes none. */
const NO_FILE_MS = 2_000;
const SPAWN = 'spawn_agent';
const ENDS: readonly string[] = ['Stop', 'SubagentStop'];
/** No hook is held up longer for a session file. */
const READ_MS = 40;

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-STDERR_LINES).join('\n');
const minus = (a: number, b = 0): number => Math.max(0, a - b);

export class CodexReader implements AgentReader {
  readonly #desk: AgentDesk;
  readonly #wish: AgentWish;
  readonly #hooks: HookForm;
  readonly #stream: ExecStream;
  readonly #rollouts: Rollouts;
  /** When the hook before a call was answered, by the call. */
  readonly #begunAtMs = new Map<string, number>();
  /** Who started a subagent, and what for; by the subagent. */
  readonly #spawned = new Map<string, { readonly parent: string | undefined; readonly what: string | undefined }>();
  /** Of which a hook told: they are of this run, whenever they began. */
  readonly #liveTurns = new Set<string>();
  readonly #degraded = new Set<string>();
  #session: MessageData<'agent_session'> | undefined;
  #threadAtMs: number | undefined;
  /** What the output said of the runs before this one. */
  #tokensBefore: Tokens | undefined;

  constructor(desk: AgentDesk, wish: AgentWish) {
    this.#desk = desk;
    this.#wish = wish;
    this.#hooks = new HookForm({
      desk,
      isInteractive: wish.prompt === undefined && !/^(exec|e|review)$/.test(wish.args[0] ?? ''),
      onSession: (payload) => this.#seeSession(payload),
      toolOf: hookedTool,
      saysAllow: true,
      endOf: (call, payload) => this.#endOf(call, payload),
    });
    this.#stream = new ExecStream(desk, (thread) => this.#seeThread(thread));
    this.#rollouts = new Rollouts({
      desk,
      env: wish.env,
      sinceMs: Date.now(),
      isLive: (turn) => this.#liveTurns.has(turn),
      begunAtMs: (call) => this.#begunAtMs.get(call),
      told: (path, sub) => this.#told(path, sub),
    });
  }

  readonly hook = async (event: string, payload: Fields): Promise<string> => {
    const path = wordOf(payload['transcript_path']);
    if (path !== undefined && event !== 'SubagentStop') this.#rollouts.follow(path, wordOf(payload['agent_id']));
    const turn = wordOf(payload['turn_id']);
    if (turn !== undefined) this.#liveTurns.add(turn);
    this.#rollouts.start();
    if (event === 'SubagentStart') this.#startSub(payload);
    // What it did before, and no hook told, belongs before its end.
    if (ENDS.includes(event)) await this.#rollouts.readWithin(READ_MS);
    const answer = await this.#hooks.take(event, payload);
    if (event === 'PreToolUse') this.#begin(payload, path);
    // What its other calls left is read meanwhile; nobody waits for it.
    this.#readOn();
    return answer;
  };

  readonly line = (text: string): void => {
    this.#rollouts.start();
    this.#stream.take(text);
    this.#readOn();
    const waitedMs = Date.now() - (this.#threadAtMs ?? Number.NaN);
    if (!this.#rollouts.isFollowing && waitedMs > NO_FILE_MS) this.#tellStreamCalls();
    else if (this.#rollouts.isFollowing) this.#stream.takeCalls();
  };

  readonly end = async (exit: AgentExit): Promise<AgentOutcome> => {
    await this.#rollouts.stop();
    if (!this.#rollouts.isFollowing) this.#tellStreamCalls();
    const result = this.#stream.takeResult();
    const isOk = result?.ok ?? (exit.code === 0 && this.#wish.prompt === undefined);
    this.#rollouts.settle();
    // It ended by itself: of calls that were cut off, the desk says so.
    if (exit.code === 0) await Promise.all(this.#desk.openCalls().map((id) => this.#desk.end(id, UNTOLD)));
    this.#useStream();
    const message = this.#stream.message ?? this.#hooks.answer ?? null;
    const error = result?.error ?? this.#howItEnded(exit);
    if (exit.code === null) this.#hooks.endTurn('interrupted');
    else this.#hooks.endTurn(isOk ? 'completed' : 'failed', isOk ? undefined : error);
    this.#tellSession();
    const unreadable = this.#rollouts.unreadableCount + this.#stream.unreadableCount;
    if (unreadable > 0) this.#degrade(`${unreadable} lines of what it tells are too long or no JSON`);
    this.#begunAtMs.clear();
    return isOk ? { ok: true, message } : { ok: false, message, error };
  };

  #howItEnded({ code, signal, stderr }: AgentExit): string {
    const how = signal === null ? `exit code ${code ?? '?'}` : `killed by ${signal}`;
    const said = lastLines(stderr);
    return `codex ended without a result (${how})${said === '' ? '' : `\n${said}`}`;
  }

  #readOn(): void {
    this.#rollouts.read().then(
      () => undefined,
      () => undefined, // it does not reject
    );
  }

  #begin(payload: Fields, path: string | undefined): void {
    const id = wordOf(payload['tool_use_id']);
    this.#tellSession(); // whatever is known of it by now
    if (id === undefined || !this.#desk.isOpen(id)) return; // denied
    this.#begunAtMs.set(id, Date.now());
    const tool = hookedTool(textOf(payload['tool_name']) ?? '?');
    const call: AgentCall = {
      id,
      tool,
      input: payload['tool_input'] ?? null,
      source: 'hook',
      turn: wordOf(payload['turn_id']),
    };
    if (path !== undefined) this.#rollouts.begin(path, call);
  }

  /** A hook tells neither whether a command failed nor how long it took: the session file does. */
  async #endOf(call: AgentCall, payload: Fields): Promise<AgentCallEnd> {
    const arrivedAtMs = Date.now();
    const begunAtMs = this.#begunAtMs.get(call.id);
    const path = wordOf(payload['transcript_path']);
    const isShell = call.tool === SHELL;
    const item = path === undefined ? undefined : await this.#rollouts.endOf(path, call.id, isShell);
    this.#begunAtMs.delete(call.id);
    if (call.tool === SPAWN) this.#seeSpawn(call, payload);
    if (path === undefined && isShell) {
      this.#degrade(
        'Codex writes no session file (--ephemeral): exit codes, and calls that fire no hook, are not known',
      );
    }
    // Codex's own clock of a command begins up to 150 ms after the command.
    const endedAtMs = Math.min(arrivedAtMs, item?.completedAtMs ?? arrivedAtMs);
    const durationMs = begunAtMs === undefined ? undefined : minus(endedAtMs, begunAtMs);
    const response = payload['tool_response'] ?? null;
    if (item !== undefined) return endOfItem(item, durationMs, response);
    return { ok: true, response, ...(durationMs === undefined ? {} : { durationMs }) };
  }

  #seeSpawn({ sub, input }: AgentCall, payload: Fields): void {
    const id = wordOf((parseFields(textOf(payload['tool_response']) ?? '') ?? {})['agent_id']);
    if (id !== undefined) this.#spawned.set(id, { parent: sub, what: textOf(fieldsOf(input)['message']) });
  }

  #startSub(payload: Fields): void {
    const id = wordOf(payload['agent_id']);
    if (id !== undefined) this.#desk.startSub({ id, type: wordOf(payload['agent_type']), ...this.#spawned.get(id) });
  }

  #seeThread(thread: string): void {
    this.#threadAtMs ??= Date.now();
    this.#seeSession({ session_id: thread });
    // A hook may have come before, with the path itself.
    if (!this.#rollouts.isFollowing) this.#rollouts.want(thread, undefined);
  }

  /** What a session file tells besides calls; `sub`: of which subagent it is. */
  #told(path: string, sub: string | undefined): ThreadTold {
    return {
      session: (thread, version) => {
        if (sub === undefined) this.#seeSession({ session_id: thread, version, transcript_path: path });
      },
      model: (thread, model) => {
        if (sub === undefined) this.#seeSession({ session_id: thread, model });
      },
      prompt: (turn, text) => {
        if (sub === undefined) this.#hooks.beginTurn(turn, text);
      },
      turnOver: (turn, end) => {
        if (sub === undefined) return this.#hooks.endTurnOf(turn, end);
        const { outcome, error, message } = end;
        this.#desk.endSub(sub, outcome === 'interrupted' ? 'cancelled' : outcome, error ?? message);
      },
      subagents: (threads, what) => {
        for (const id of threads) {
          this.#spawned.set(id, { parent: sub, what });
          this.#rollouts.want(id, id);
          if (this.#hooks.toldCount === 0) this.#desk.startSub({ id, what, parent: sub }); // its own hook knows its type
        }
      },
      unhooked: (tool) => this.#tellUnhooked(tool),
    };
  }

  /** Of a version that writes no session file, or was told not to: what its output tells, which has no ids. */
  #tellStreamCalls(): void {
    const calls = this.#stream.takeCalls();
    if (this.#hooks.toldCount > 0) return;
    for (const { call, end } of calls) {
      this.#tellUnhooked(call.tool);
      this.#desk.end(call.id, end, call).then(
        () => undefined,
        () => undefined, // it does not reject
      );
    }
  }

  /** Where no session file told of single requests. The output tells sums over all runs of the thread. */
  #useStream(): void {
    const { tokens } = this.#stream;
    const before = this.#tokensBefore;
    this.#tokensBefore = tokens ?? before;
    if (tokens === undefined || tokens === before || this.#rollouts.usageCount > 0) return;
    if (before === undefined && this.#wish.resume !== undefined) return; // of runs that are not known
    this.#desk.use({
      scope: 'run',
      model: this.#session?.model ?? '',
      input_tokens: minus(tokens.input_tokens, before?.input_tokens),
      cache_read_tokens: minus(tokens.cache_read_tokens, before?.cache_read_tokens),
      cache_write_tokens: minus(tokens.cache_write_tokens, before?.cache_write_tokens),
      output_tokens: minus(tokens.output_tokens, before?.output_tokens),
      cost_usd: null,
      cost_from: 'nobody',
    });
  }

  #tellUnhooked(tool: string): void {
    this.#degrade(
      this.#hooks.toldCount === 0
        ? 'Codex calls no hooks (switched off, or it does not trust them: another version, or managed settings): tool calls are recorded from what it writes, and no policy holds'
        : `Codex ran ${tool} without telling it to a hook: the call is recorded from its session file, and no policy held`,
    );
  }

  #degrade(why: string): void {
    if (this.#degraded.has(why)) return;
    this.#degraded.add(why);
    this.#desk.degrade(why);
  }

  /** From a hook, the output, or the session file, which knows the version: told once all of it is known. */
  #seeSession(told: Fields): void {
    const id = wordOf(told['session_id']);
    if (id === undefined || wordOf(told['agent_id']) !== undefined) return; // of a subagent
    const before = this.#session?.agent_session_id === id ? this.#session : undefined;
    const model = wordOf(told['model']) ?? before?.model;
    const transcript = wordOf(told['transcript_path']) ?? before?.transcript;
    const version = wordOf(told['version']) ?? before?.version ?? this.#session?.version;
    this.#session = {
      agent: 'codex',
      agent_session_id: id,
      ...(version === undefined ? {} : { version }),
      ...(model === undefined ? {} : { model }),
      ...(transcript === undefined ? {} : { transcript }),
      ...(this.#wish.resume === undefined ? {} : { resumed: true }),
      via: 'pod',
    };
    if (version !== undefined && model !== undefined && transcript !== undefined) this.#tellSession();
  }

  #tellSession(): void {
    if (this.#session !== undefined) this.#desk.session(this.#session);
  }
}
