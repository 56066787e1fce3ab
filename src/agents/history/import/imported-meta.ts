/** Owns the envelope of an imported session: which words one finds it by. */
import { ENVELOPE_VERSION, IMPORTED_TAG, type NikaMeta } from '../../../model/envelope.ts';
import { thisProcess } from '../../../failopen/process-identity.ts';
import type { BodyEncoder } from '../../../recorder/body.ts';
import { lastPartOf } from '../fields.ts';
import type { HistorySession, SessionHead } from '../told.ts';
import { attemptSessionOf, type SessionIds } from './session-ids.ts';

/** Of the job. */
export type ImportedMeta = NikaMeta & { readonly entity_type: 'JOB' };

const LABEL_CHARS = 64;
const TITLE_CHARS = 120;

/** Any text as a domain: what a label has no room for becomes `-`. Empty: nothing is left. */
const labelOf = (text: string): string =>
  Array.from(
    text
      .normalize()
      .replaceAll(/[^\p{L}\p{N} ._:/-]+/gu, '-')
      .replace(/^[^\p{L}\p{N}]+/u, ''),
  )
    .slice(0, LABEL_CHARS)
    .join('')
    .trim();

/** What something is about, in a line. */
export const clipped = (text: string): string => {
  const line = text
    .slice(0, 4 * TITLE_CHARS)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length <= TITLE_CHARS ? line : `${line.slice(0, TITLE_CHARS - 1).toWellFormed()}…`;
};

interface MetaOptions {
  readonly label: string;
  readonly encoder: BodyEncoder;
  readonly session: Pick<HistorySession, 'agent'>;
  readonly head: SessionHead;
  readonly ids: SessionIds;
  readonly attempt: number;
}

/** Domain: the folder of the project; job: `claude-import` …; intent: `session`. */
export const jobMeta = ({ label, encoder, session, head, ids, attempt }: MetaOptions): ImportedMeta => {
  const { host, pid } = thisProcess();
  const project = encoder.encodeText(lastPartOf(head.cwd ?? '') ?? '').text; // G7: an envelope is not looked at again
  const domain = labelOf(project);
  return {
    v: ENVELOPE_VERSION,
    session_id: attemptSessionOf(ids.session, attempt),
    entity_id: ids.entity,
    entity_type: 'JOB',
    root_id: ids.entity,
    attempt,
    job: `${label}-import`,
    domain: domain === '' ? label : domain,
    intent: 'session',
    agent: session.agent,
    host,
    pid,
    trace_id: ids.traceId,
    span_id: ids.spanId,
    tags: [IMPORTED_TAG],
  };
};
