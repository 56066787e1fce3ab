import { describe, expect, it } from 'vitest';
import { socketsFinding } from './pods-check.ts';

const LINE_CHARS = 160;

describe('sockets that nobody listens on', () => {
  it('are told in a short line each, however many there are; all of them are in the JSON', () => {
    const stale = Array.from({ length: 50 }, (_, at) => `/run/user/1000/nika/${String(at).padStart(12, '0')}.sock`);
    const finding = socketsFinding(stale);
    expect(finding.says).toMatch(/^nobody listens on 50 sockets any more: .* and 47 more$/);
    expect(finding.says.match(/\.sock/g)).toHaveLength(3);
    expect(finding.remedy?.length).toBeLessThan(LINE_CHARS);
    expect(finding.paths).toEqual(stale);
    expect(socketsFinding(stale.slice(0, 1)).remedy).toContain(`rm ${stale[0] ?? ''}`);
  });
});
