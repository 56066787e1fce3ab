/** Owns the parts of tools' inputs that several have. */
import { z } from 'zod';

export const podId = z.string().min(1).max(200).describe('Id of a pod, or an unambiguous part of it.');

export const podIds = z.array(podId).min(1).max(50);

export const wholeSeconds = (max: number) => z.int().min(0).max(max);
