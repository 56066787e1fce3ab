/**
 * Owns what every agent's adapter has in common: how its CLI is started so that it tells nika of each tool call, and how
 * what it tells is read.
 *
 * A1. No file of the user or of the project is touched: what a run needs is in a folder of its own, or on the command line.
 * A2. What an adapter reads comes from outside: whatever stands there, it does not throw.
 */
import type { AgentKind, Permission } from '../model/agent.ts';
import type { McpServerCommand } from '../mcp/server-command.ts';
import type { AgentDesk } from '../pod/host/agent-desk.ts';

/** What is wanted of the agent, with no template left. */
export interface AgentWish {
  /** `undefined`: a person talks to it, on its own screen. */
  readonly prompt: string | undefined;
  readonly model: string | undefined;
  readonly permission: Permission;
  readonly args: readonly string[];
  readonly maxTurns: number | undefined;
  /** The agent's own id of a session that is gone on with. */
  readonly resume: string | undefined;
  /** Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Where the hooks of a run go. */
export interface HookPlace {
  /** A folder of this run alone (0700), removed at its end. */
  readonly dir: string;
  /** Such as `http://127.0.0.1:40001`; hooks are POSTed to `/hook/<event>`, with {@link token}. */
  readonly url: string;
  readonly token: string;
  /** A Unix socket that takes the same HTTP requests; who may open it needs no token. */
  readonly socket: string;
  /** Where a hook that finds no socket leaves its payload: a file, written and renamed to `<name>.json`. */
  readonly spool: string;
  /** Hooks may have to wait for a person, or for a hook of the user: their time-out before a call must be long. */
  readonly mayAsk: boolean;
  /** The tools of nika, which the agent is given; `undefined`: it is not. */
  readonly mcp: McpServerCommand | undefined;
  /** Of nika's session: an agent that takes an id gets this one. */
  readonly sessionId: string;
}

export interface AgentStart {
  readonly argv: readonly [string, ...string[]];
  /** Set besides the environment of the pod. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Why hooks cannot be relied on in this run (G9). */
  readonly degraded?: string;
}

/** How the process of the agent ended; both null: it could not be started, or was stopped. */
export interface AgentExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote on standard error. */
  readonly stderr: string;
}

export interface AgentOutcome {
  readonly ok: boolean;
  /** Its last message. */
  readonly message: string | null;
  /** Where it is not ok. */
  readonly error?: string;
}

/** Reads what one run of an agent tells: its hooks, its structured output, its session file. */
export interface AgentReader {
  /**
   * A hook came. Resolves, once what it tells is on the bus, to what the hook is answered: JSON in the agent's own
   * convention; empty: nothing to say. `event`: as it stands in the URL.
   */
  readonly hook: (event: string, payload: Readonly<Record<string, unknown>>) => Promise<string>;
  /** A line of its standard output, where that is structured. */
  readonly line: (text: string) => void;
  /** It ended: what is still to be read of its files is read, and what it left open is settled. */
  readonly end: (exit: AgentExit) => Promise<AgentOutcome>;
}

export interface AgentAdapter {
  readonly kind: AgentKind;
  /** For people. */
  readonly name: string;
  /** The command, as it is found on the PATH. */
  readonly program: string;
  /** The command that installs it. */
  readonly install: string;
  readonly prepare: (wish: AgentWish, place: HookPlace) => Promise<AgentStart>;
  readonly open: (desk: AgentDesk, wish: AgentWish) => AgentReader;
}
