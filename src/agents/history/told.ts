/**
 * Owns what the session files of all agents come to: sessions, and what happened in them, whatever the agent calls things.
 *
 * T1. What is told comes with a key that is its own in the session and stays the same however often the file is read, and
 *     with the agent's own time.
 * T2. A session is told from its beginning each time; who writes it down knows what he has.
 */
import type { CallResult } from '../../hooks/tool-call.ts';
import type { AgentKind } from '../../model/agent.ts';
import type { MessageData } from '../../model/message.ts';
import type { Usage } from '../../model/usage.ts';

interface ToldBase {
  /** Unique among those of its kind in the session (T1). */
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

export interface ToldCall extends ToldBase {
  readonly kind: 'call';
  /** The agent's own id of the call. */
  readonly id: string;
  readonly tool: string;
  readonly input: unknown;
  readonly result: CallResult;
  /** null: nobody knows. */
  readonly durationMs: number | null;
  readonly turn: string | undefined;
  /** The agent's own id of the subagent that made it. */
  readonly sub: string | undefined;
  readonly cwd: string | undefined;
}

export interface ToldUsage extends ToldBase {
  readonly kind: 'usage';
  readonly usage: Usage;
  readonly sub: string | undefined;
}

export interface ToldTurn extends ToldBase {
  readonly kind: 'turn';
  readonly turn: MessageData<'agent_turn'>;
}

/** `key`: the agent's own id of the subagent. */
export interface ToldSubStart extends ToldBase {
  readonly kind: 'sub start';
  readonly type: string;
  /** What it is to do. */
  readonly what: string | undefined;
  /** The subagent that started it. */
  readonly parent: string | undefined;
}

export interface ToldSubEnd extends ToldBase {
  readonly kind: 'sub end';
  readonly outcome: 'completed' | 'failed' | 'cancelled';
  /** Its last message. */
  readonly summary: string | undefined;
}

export type Told = ToldCall | ToldUsage | ToldTurn | ToldSubStart | ToldSubEnd;

/** What the beginning of a session tells. */
export interface SessionHead {
  readonly startedAtMs: number;
  readonly cwd: string | undefined;
  /** Of the agent. */
  readonly version: string | undefined;
  readonly model: string | undefined;
  /** What it was about: a title, or what was asked first. */
  readonly title: string | undefined;
  /** What sessions have in common that begin with the same history: one was forked from another. */
  readonly kin: string | undefined;
}

/** A line, or a file, that could not be read. */
export interface Unreadable {
  readonly file: string;
  /** From 1; 0: the file as a whole. */
  readonly line: number;
  readonly why: string;
}

export interface ReadOptions {
  /** It may be written to just now: what is not finished is left for the next time, and not told as damaged. */
  readonly isOpen: boolean;
  readonly onUnreadable: (unreadable: Unreadable) => void;
  /** Told of bytes that were read. */
  readonly onBytes: (count: number) => void;
}

/** A session as the agent keeps it: one file, or one and those of its subagents, or rows of a database. */
export interface HistorySession {
  readonly agent: AgentKind;
  /** The agent's own id of it. */
  readonly id: string;
  /** The file, for people; with {@link id} it names the session in what is remembered. */
  readonly place: string;
  readonly bytes: number;
  /** When it was last written to. */
  readonly changedAtMs: number;
  /** `undefined`: there is nothing in it. */
  readonly head: () => SessionHead | undefined;
  /** Nearly in order of time. Lets others work now and then. */
  readonly read: (options: ReadOptions) => AsyncIterable<Told>;
}

export interface HistoryForm {
  readonly kind: AgentKind;
  /** As it is called on the command line. */
  readonly label: string;
  /** For people. */
  readonly name: string;
  /** Where the agent keeps its sessions, absolute. */
  readonly places: (env: Readonly<Record<string, string | undefined>>) => readonly string[];
  /** What stands at a place, a file or a folder. Folders that cannot be read are told. */
  readonly find: (place: string, onUnreadable: ReadOptions['onUnreadable']) => readonly HistorySession[];
}
