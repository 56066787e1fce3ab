/** Owns which services a command is about, and the sentence that tells that one of them takes its time. */
import { qdrantService } from '../../services/qdrant-service.ts';
import { redisService } from '../../services/redis-service.ts';
import type { ServiceKind } from '../../services/service-kind.ts';
import type { Terminal } from '../terminal.ts';
import type { ServiceFlags } from './service-commands.ts';

const ALL: readonly ServiceKind[] = [redisService, qdrantService];

export const isAnyNamed = ({ redis, qdrant }: ServiceFlags): boolean => redis === true || qdrant === true;

/** Those that were named, or all. */
export const namedServices = (flags: ServiceFlags): readonly ServiceKind[] =>
  isAnyNamed(flags) ? ALL.filter(({ name }) => flags[name] === true) : ALL;

const PATIENCE_MS = 1_000;

/** The work, and after a second one line on standard error that says what is waited for. */
export const patiently = async <T>(work: Promise<T>, doing: string, { warn, paint }: Terminal): Promise<T> => {
  const timer = setTimeout(() => warn(paint('dim', `${doing} …`)), PATIENCE_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
};
