/**
 * Owns the names that an imported session has here: made of the agent and its own id, so that it has the same ones whenever,
 * and wherever, it is imported.
 */
import { hash } from 'node:crypto';
import type { AgentKind } from '../../../model/agent.ts';
import { type EntityId, entityIdFrom, type SessionId, sessionIdSchema } from '../../../model/id.ts';

export interface SessionIds {
  readonly session: SessionId;
  readonly entity: EntityId;
  readonly traceId: string;
  readonly spanId: string;
}

const digestOf = (...parts: readonly string[]): string => hash('sha256', parts.join('\0'), 'hex');

/** A UUID of version 8: of our own making. */
const uuidOf = (hex: string): SessionId =>
  sessionIdSchema.parse(
    `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`,
  );

export const sessionIdsOf = (agent: AgentKind, id: string, startedAtMs: number): SessionIds => {
  const digest = digestOf('nika import', agent, id);
  return {
    session: uuidOf(digest),
    entity: entityIdFrom('JOB', new Date(startedAtMs), Buffer.from(digest.slice(32), 'hex')),
    traceId: digestOf('trace', digest).slice(0, 32),
    spanId: digestOf('span', digest).slice(0, 16),
  };
};

/** Of what came to the agent's file after it had been imported: the next attempt of the job. */
export const attemptSessionOf = (session: SessionId, attempt: number): SessionId =>
  attempt === 1 ? session : uuidOf(digestOf(session, 'attempt', `${attempt}`));

export const subEntityOf = (session: SessionId, sub: string, startedAtMs: number): EntityId =>
  entityIdFrom('SUB', new Date(startedAtMs), Buffer.from(digestOf(session, 'sub', sub), 'hex'));

/** Of an event of the session: of what kind it is, and the key that it has among those. */
export const eventDigest = (session: SessionId, kind: string, key: string): string => digestOf(session, kind, key);
