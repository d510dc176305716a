/**
 * fastify without its schema compilers: the listeners' bodies are judged by zod, so a compiler
 * of JSON Schemas would only cost memory and time at the start.
 */
import type { FastifyServerOptions } from "fastify";

const refuse = () => (): never => {
  throw new Error("these listeners have no JSON Schemas");
};

/** For `schemaController`. A route that has a `schema` after all cannot be registered. */
export const NO_SCHEMAS: NonNullable<FastifyServerOptions["schemaController"]> = { compilersFactory: { buildValidator: refuse, buildSerializer: refuse } };
