import { describe, expect, it } from 'vitest';
import { CHECK_MS, lateFinding } from './late.ts';

describe('a check that is late', () => {
  it.each([
    [CHECK_MS, 'wrong', 'the alpha bus does not answer: no answer within 1500 ms'],
    [500, 'degraded', 'there was too little time to look, 500 ms: this machine is busy'],
    [undefined, 'degraded', 'there was no time left to look: this machine is busy'],
  ])('after %s ms: %s, and only one that had all its time accuses what it looked at', (waitedMs, status, says) => {
    expect(lateFinding('record', waitedMs)).toMatchObject({ status, says });
  });
});
