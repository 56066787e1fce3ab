/** Owns how a lease is told to the pod that is to keep it. */
import { z } from 'zod';

/** `holder`: who it was acquired for; `token`: rises with each holder, and decides which of two counts (fencing token). */
export const heldLeaseSchema = z.object({ name: z.string().min(1), holder: z.string().min(1), token: z.int() });
export type HeldLease = z.infer<typeof heldLeaseSchema>;
