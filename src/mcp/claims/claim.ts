/** Owns what a claim is: who asks others to keep away from a path, until when, and why; and when it is over. */
import { z } from 'zod';
import { isInside } from '../../hooks/policy/real-path.ts';
import { type PodProcess, podProcessSchema } from '../../pod/registry/pod-record.ts';
import { podLiveness } from '../../pod/registry/pod-status.ts';
import { readRecord } from '../../pod/registry/record-file.ts';

const holderSchema = z.object({
  /** Of whom it is one and the same: the pod, or the process of an agent outside of pods. */
  key: z.string(),
  /** For people and agents: the id of the pod, or what the agent calls itself. */
  name: z.string(),
  /** The session of the pod; null: outside of pods. */
  session: z.string().nullable(),
  /** With it the claim ends. */
  process: podProcessSchema,
});

export const claimSchema = z.object({
  v: z.literal(1),
  id: z.uuid(),
  /** Absolute, without links. */
  path: z.string(),
  why: z.string(),
  holder: holderSchema,
  since: z.string(),
  until: z.string(),
  /** Its holder has it; before that it may be taken back. */
  settled: z.boolean(),
});

/** Times are ISO 8601. */
export type Claim = z.infer<typeof claimSchema>;
export type Holder = Readonly<Omit<z.infer<typeof holderSchema>, 'process'>> & { readonly process: PodProcess };

/** One is the other, or a folder around it. */
export const overlaps = (a: Pick<Claim, 'path'>, b: Pick<Claim, 'path'>): boolean =>
  isInside(a.path, b.path) || isInside(b.path, a.path);

/** Its time is up, or its holder has ended: by the pod's record, or by its process, also after a reboot. */
export const isPast = ({ until, holder }: Claim, runDir: string): boolean => {
  if (Date.parse(until) <= Date.now()) return true;
  if (podLiveness(holder.process) === 'gone') return true;
  const end = holder.session === null ? null : readRecord(runDir, holder.session)?.end;
  return end !== null && end !== undefined;
};
