/** Owns how tests ask `nika doctor`. */
import type { Finding } from '../src/doctor/finding.ts';
import type { TestHome } from './nika.ts';

export interface Diagnosis {
  readonly code: number | null;
  /** All that it wrote, on both streams. */
  readonly output: string;
  readonly findings: readonly Finding[];
  readonly tookMs: number;
  /** The worst of that id; `undefined`: it found no such thing. */
  readonly of: (id: string) => Finding | undefined;
  /** Ids of what is wrong. */
  readonly wrong: readonly string[];
}

const ORDER = ['wrong', 'degraded', 'info', 'ok'] as const;

/** What it found. Sockets are looked for in a folder of the home's own. */
export const diagnose = async (home: TestHome, env: Readonly<Record<string, string>> = {}): Promise<Diagnosis> => {
  const startMs = performance.now();
  const { code, stdout, stderr } = await home.start(['doctor', '--json'], env).ended;
  const tookMs = performance.now() - startMs;
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
  const byStatus = ORDER.flatMap((status) => findings.filter((finding) => finding.status === status));
  const wrong = findings.filter(({ status }) => status === 'wrong').map(({ id }) => id);
  return { code, output: stdout + stderr, findings, tookMs, of: (id) => byStatus.find((one) => one.id === id), wrong };
};
