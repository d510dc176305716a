/**
 * Every preset there is; the only list to edit.
 */
import type { GatewayPreset } from "../../core/preset.ts";
import { hydrogenReactRouter } from "./hydrogen-react-router.ts";

export const PRESETS: Readonly<Record<string, GatewayPreset>> = {
  [hydrogenReactRouter.name]: hydrogenReactRouter,
};
