/** Owns what `nika pod ls --all` shows of imported sessions: they have no record of a process, so the bus is asked. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bornAt, readEntities } from '../../bus/query/entities.ts';
import type { EntityView } from '../../bus/query/entity-view.ts';
import type { Home } from '../../config/home.ts';
import { isTerminal } from '../../model/entity.ts';
import { roundedUsd } from '../../model/spending.ts';
import { shortPodId } from '../../pod/registry/resolve-pod.ts';
import { clip, formatDuration, printable } from '../format.ts';
import type { Terminal } from '../terminal.ts';
import { usedText } from '../words/used.ts';
import { isStatus, type OtherRow, statusText, TOOL_COLUMNS } from './pod-table.ts';

/** Imported sessions that were active since, the oldest first. @throws {NikaError} `NIKA_BUS_UNREADABLE` */
export const readImported = async ({ busDir, runDir }: Home, sinceTs: string): Promise<readonly EntityView[]> => {
  if (!existsSync(join(runDir, 'import'))) return []; // the whole alpha bus would be read for nothing
  const views = [...(await readEntities({ busDir })).values()];
  return views
    .filter((view) => view.isImported === true && view.type === 'JOB' && activeAt(view) >= sinceTs)
    .toSorted((a, b) => (bornAt(a) < bornAt(b) ? -1 : 1));
};

const activeAt = ({ sessions, lastAt }: EntityView): string => sessions.at(-1)?.endedAt ?? lastAt;

/** `undefined`: only its end will tell. */
const sum = (view: EntityView, key: 'calls' | 'errors'): number | undefined =>
  view.sessions.every((session) => session[key] === undefined)
    ? undefined
    : view.sessions.reduce((total, session) => total + (session[key] ?? 0), 0);

const about = ({ name, domain }: EntityView): string => [domain, name].filter((text) => text !== undefined).join(': ');

/** Of models, over all attempts. */
const usedBy = ({ sessions }: EntityView) => {
  const total = { tokens: 0, costUsd: 0, unpricedTokens: 0 };
  for (const { used } of sessions) {
    total.tokens += used?.tokens ?? 0;
    total.costUsd += used?.costUsd ?? 0;
    total.unpricedTokens += used?.unpricedTokens ?? 0;
  }
  return total;
};

/** A session whose end is not imported yet has no state that a pod can have. */
const statusOf = ({ state }: EntityView, terminal: Terminal, nowMs: number): string =>
  state !== undefined && isStatus(state)
    ? statusText(terminal, { status: state, reason: null, waiting_since: null }, nowMs)
    : terminal.paint('dim', '○ open');

/** In the columns of pods; where pods have their last tool, what the session was about. */
export const importedRow = (view: EntityView, terminal: Terminal, nowMs: number): OtherRow => {
  const { tokens, costUsd, unpricedTokens } = usedBy(view);
  const row = rowOf(view, terminal, nowMs);
  return { at: bornAt(view), row, used: usedText(tokens, costUsd, unpricedTokens) };
};

const rowOf = (view: EntityView, terminal: Terminal, nowMs: number): readonly string[] => {
  const errors = sum(view, 'errors');
  return [
    shortPodId(view.id),
    clip(printable(view.job ?? ''), 24),
    statusOf(view, terminal, nowMs),
    `${formatDuration(Math.max(0, nowMs - Date.parse(activeAt(view))))} ago`,
    clip(printable(about(view)), TOOL_COLUMNS),
    String(sum(view, 'calls') ?? '–'),
    errors === undefined || errors === 0 ? String(errors ?? '–') : terminal.paint('red', String(errors)),
  ];
};

export const importedJson = (view: EntityView): Readonly<Record<string, unknown>> => {
  const session = view.sessions.at(-1);
  const { tokens, costUsd, unpricedTokens } = usedBy(view);
  return {
    id: view.id,
    job: view.job ?? null,
    session: session?.id ?? null,
    status: view.state !== undefined && isTerminal(view.state) ? view.state : 'open',
    imported: true,
    agent: view.agent ?? null,
    title: view.name ?? null,
    pid: null,
    host: session?.host ?? null,
    started_at: bornAt(view),
    last_tool: null,
    calls: sum(view, 'calls') ?? null,
    errors: sum(view, 'errors') ?? null,
    tokens,
    cost_usd: roundedUsd(costUsd),
    unpriced_tokens: unpricedTokens,
    attempt: view.attempts,
    parent: null,
    domain: view.domain ?? null,
    intent: view.intent ?? null,
    ended_at: view.endedAt ?? null,
    exit_code: session?.exitCode ?? null,
  };
};
