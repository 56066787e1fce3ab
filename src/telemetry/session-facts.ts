/** Owns what a session says of itself in `agent:state:{session_id}` and in its field of `nika:fleet:state`. Pure. */

import type { EntityId } from '../model/id.ts';

/** Texts are redacted, times ISO 8601. */
export interface SessionFacts {
  /** As `nika pod ls` shows it: `running`, `waiting`, `completed` … */
  readonly status: string;
  readonly entity: EntityId;
  readonly job: string;
  readonly attempt: number;
  readonly host: string;
  readonly pid: number;
  readonly home: string;
  readonly domain: string;
  readonly intent: string;
  readonly parent: string | null;
  readonly startedAt: string;
  readonly lastTool: string | null;
  /** What it does, in one line. */
  readonly lastWhat: string;
  readonly lastToolAt: string | null;
  readonly isToolRunning: boolean;
  readonly calls: number;
  readonly errors: number;
  /** What its agents used. */
  readonly tokens: number;
  readonly costUsd: number;
  /** Nobody knows what they cost: not in `costUsd`. */
  readonly unpricedTokens: number;
  /** Why it waits. */
  readonly why: string | null;
  /** What it waits for (`permission`, `rate_limit` …), and since when; null: it does not. */
  readonly reason: string | null;
  readonly waitingSince: string | null;
  /** Services that cannot be used now, and why. */
  readonly degraded: readonly { readonly service: string; readonly why: string }[];
  /** Not zero, by name. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Once it is over. */
  readonly endedAt: string | null;
  readonly exitCode: number | null;
}

const WHY_CHARS = 200;
const TOOL_CHARS = 120;

const short = (text: string, maxChars: number): string =>
  text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`;

/** All fields each time, so that one which is over does not stay. */
export const stateFields = (facts: SessionFacts): Readonly<Record<string, string | number>> => ({
  status: facts.status,
  entity: facts.entity,
  job: facts.job,
  attempt: facts.attempt,
  host: facts.host,
  pid: facts.pid,
  started_at: facts.startedAt,
  last_tool: short(`${facts.lastTool ?? ''} ${facts.lastWhat}`.trim(), TOOL_CHARS),
  last_tool_at: facts.lastToolAt ?? '',
  calls: facts.calls,
  errors: facts.errors,
  tokens: facts.tokens,
  cost: facts.costUsd,
  unpriced_tokens: facts.unpricedTokens,
  why: short(facts.why ?? '', WHY_CHARS),
  reason: facts.reason ?? '',
  waiting_since: facts.waitingSince ?? '',
  degraded: short(facts.degraded.map(({ service, why }) => `${service}: ${why}`).join('; '), WHY_CHARS),
  dropped: Object.keys(facts.dropped).length === 0 ? '' : JSON.stringify(facts.dropped).slice(0, 1_000),
  ended_at: facts.endedAt ?? '',
  exit_code: facts.exitCode ?? '',
});

/** What `nika pod ls --all-hosts` needs; `undefined`: the session is over. */
export const fleetValue = (facts: SessionFacts): Readonly<Record<string, unknown>> | undefined =>
  facts.endedAt === null
    ? {
        entity: facts.entity,
        job: short(facts.job, TOOL_CHARS),
        status: facts.status,
        host: facts.host,
        pid: facts.pid,
        home: facts.home,
        attempt: facts.attempt,
        parent: facts.parent,
        domain: facts.domain,
        intent: facts.intent,
        started_at: facts.startedAt,
        last_tool:
          facts.lastTool === null
            ? null
            : {
                tool: short(facts.lastTool, TOOL_CHARS),
                what: short(facts.lastWhat, TOOL_CHARS),
                at: facts.lastToolAt,
                running: facts.isToolRunning,
              },
        calls: facts.calls,
        errors: facts.errors,
        tokens: facts.tokens,
        cost_usd: facts.costUsd,
        unpriced_tokens: facts.unpricedTokens,
        why: facts.why === null ? null : short(facts.why, WHY_CHARS),
        reason: facts.reason,
        waiting_since: facts.waitingSince,
        degraded: facts.degraded.map(({ service }) => service),
      }
    : undefined;
