/**
 * Owns the hooks of users: which stand before and after a tool, in order, and what they come to together.
 *
 * K1. Each pre hook sees the input as the one before left it; the first deny ends it.
 * K2. A hook that fails lets the call go on and is counted by its name (G3), unless it is required: then it denies.
 */
import { resolve } from 'node:path';
import type { HookConfig, HookProgram, HooksConfig } from '../../config/hooks/hooks.ts';
import { bestEffortSync } from '../../failopen/best-effort.ts';
import type { PostToolUse, PostToolUseFailure, PreToolUse } from '../../model/tool-event.ts';
import type { HookVerdict } from '../hook-pipeline.ts';
import { compileTools, type Matcher } from '../policy/glob.ts';
import { CommandHook } from './command-hook.ts';
import type { HookPhase, HookProcess } from './hook.ts';
import { ModuleHook } from './module-hook.ts';

export interface HookSource {
  readonly hooks: HooksConfig;
  /** Of the file that names them: where commands run, and what paths of modules are relative to. */
  readonly dir: string;
}

export interface UserHooksOptions {
  /** In the order in which they run. */
  readonly sources: readonly HookSource[];
  readonly env: Readonly<Record<string, string>>;
  /** Told of each failure, for the log. */
  readonly onFailure: (name: string, why: string) => void;
}

export interface Hook {
  readonly name: string;
  readonly isForTool: Matcher;
  readonly timeoutMs: number;
  readonly isRequired: boolean;
  readonly process: HookProcess;
}

export type HooksByPhase = Readonly<Record<HookPhase, readonly Hook[]>>;

const PHASES: readonly HookPhase[] = ['pre', 'post', 'failure'];

export class UserHooks {
  readonly #options: UserHooksOptions;
  readonly #hooks: Record<HookPhase, Hook[]> = { pre: [], post: [], failure: [] };
  readonly #processes: HookProcess[] = [];
  /** One thread for a module, however often it is named. */
  readonly #modules = new Map<string, ModuleHook>();
  readonly #failures = new Map<string, number>();

  constructor(options: UserHooksOptions) {
    this.#options = options;
    for (const { hooks, dir } of options.sources) {
      for (const phase of PHASES) this.#hooks[phase].push(...hooks[phase].map((hook) => this.#create(hook, dir)));
    }
  }

  get failures(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#failures);
  }

  forTool(tool: string): HooksByPhase {
    const of = (phase: HookPhase): readonly Hook[] => this.#hooks[phase].filter(({ isForTool }) => isForTool(tool));
    return { pre: of('pre'), post: of('post'), failure: of('failure') };
  }

  /** What the hooks say together (K1). Never rejects. */
  async before(hooks: readonly Hook[], event: PreToolUse, signal: AbortSignal): Promise<HookVerdict> {
    let current = event;
    let changedBy: string | undefined;
    let asked: { readonly reason: string; readonly by: string } | undefined;
    for (const hook of hooks) {
      const { name: by, process, timeoutMs } = hook;
      const answer = await process.ask({ phase: 'pre', event: current, timeoutMs }, signal);
      if (answer.kind === 'aborted') return { kind: 'deny', reason: 'it was interrupted before it had answered', by };
      if (answer.kind === 'deny') return { kind: 'deny', reason: answer.reason, by };
      if (answer.kind === 'failed') {
        this.#count(hook, answer.why);
        if (hook.isRequired) return { kind: 'deny', reason: `it is required, and failed: ${answer.why}`, by }; // K2
        continue;
      }
      if (answer.kind === 'ask') asked ??= { reason: answer.reason, by };
      if (!('input' in answer)) continue;
      current = { ...current, tool_input: answer.input };
      changedBy = by;
    }
    const changed = changedBy === undefined ? {} : { input: current.tool_input, changedBy };
    return asked === undefined ? { kind: 'allow', ...changed } : { kind: 'ask', ...asked, ...changed };
  }

  /** Tells the hooks how a call ended; what they answer changes nothing. Never rejects. */
  async after(hooks: readonly Hook[], event: PostToolUse | PostToolUseFailure, signal: AbortSignal): Promise<void> {
    const phase = event.hook_event_name === 'PostToolUse' ? 'post' : 'failure';
    for (const hook of hooks) {
      const { process, timeoutMs } = hook;
      const answer = await process.ask({ phase, event, timeoutMs }, signal);
      if (answer.kind === 'aborted') return;
      if (answer.kind === 'failed') this.#count(hook, answer.why);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.close()));
  }

  #count({ name }: Hook, why: string): void {
    this.#failures.set(name, (this.#failures.get(name) ?? 0) + 1);
    bestEffortSync('hooks.on_failure', () => this.#options.onFailure(name, why));
  }

  #create({ name, match, program, timeoutMs, isRequired }: HookConfig, dir: string): Hook {
    return { name, isForTool: compileTools(match), timeoutMs, isRequired, process: this.#processOf(program, dir) };
  }

  #processOf(program: HookProgram, dir: string): HookProcess {
    const { env } = this.#options;
    if (program.kind === 'command') return this.#keep(new CommandHook({ argv: program.argv, dir, env }));
    const file = resolve(dir, program.file);
    const known = this.#modules.get(file);
    if (known !== undefined) return known;
    const module = this.#keep(new ModuleHook({ file, env }));
    this.#modules.set(file, module);
    return module;
  }

  #keep<T extends HookProcess>(process: T): T {
    this.#processes.push(process);
    return process;
  }
}
