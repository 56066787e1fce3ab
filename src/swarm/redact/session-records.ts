/** Owns taking out what the records of sessions (`run/pods/`) show of redacted lines: the last call, the result. */
import { isTerminal, transitionOfBusType } from '../../model/entity.ts';
import type { LineTarget } from '../../bus/redact/target.ts';
import { readRecord, writeRecord } from '../../pod/registry/record-file.ts';
import type { PodRecord } from '../../pod/registry/pod-record.ts';

const REDACTED = '[redacted]';

const isEnd = ({ type }: LineTarget): boolean =>
  type === 'session_end_summary' || isTerminal(transitionOfBusType(type)?.to);

const blanked = (record: PodRecord, lines: readonly LineTarget[]): PodRecord => {
  const { beat, end } = record;
  const hasCall = lines.some(({ type }) => type === 'tool_call');
  const last = beat.last_tool === null || !hasCall ? beat.last_tool : { ...beat.last_tool, what: REDACTED };
  const isOver = end !== null && lines.some(isEnd);
  const error = isOver && end.error !== null ? REDACTED : (end?.error ?? null);
  return {
    ...record,
    beat: { ...beat, last_tool: last },
    end: end === null ? null : { ...end, ...(isOver ? { result: REDACTED } : {}), error },
  };
};

/** Of sessions that are over; a pod that lives writes its own anew every few seconds. @throws a system error */
export const blankRecords = (runDir: string, lines: readonly LineTarget[]): void => {
  for (const [session, some] of Map.groupBy(lines, (line) => line.session)) {
    const record = /^[0-9a-f-]{36}$/.test(session) ? readRecord(runDir, session) : undefined;
    if (record !== undefined && record.end !== null) writeRecord(runDir, blanked(record, some));
  }
};
