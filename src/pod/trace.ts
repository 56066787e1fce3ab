/** Owns the pod's place in a distributed trace (W3C Trace Context): taken from `TRACEPARENT`, passed on to children. */
import { randomBytes } from 'node:crypto';

export interface TraceIds {
  /** 32 hex. */
  readonly traceId: string;
  /** 16 hex: this session's own span. */
  readonly spanId: string;
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/;
const isZero = (hex: string): boolean => /^0+$/.test(hex);

/** The caller's trace with a span of our own, or a new trace where the caller named none that is valid. */
export const resolveTrace = (traceparent: string | undefined): TraceIds => {
  const match = TRACEPARENT.exec(traceparent ?? '');
  const [, traceId = '', parentSpan = ''] = match ?? [];
  const spanId = randomBytes(8).toString('hex');
  const isValid = traceId !== '' && !isZero(traceId) && !isZero(parentSpan);
  return { traceId: isValid ? traceId : randomBytes(16).toString('hex'), spanId };
};

export const toTraceparent = ({ traceId, spanId }: TraceIds): string => `00-${traceId}-${spanId}-01`;
