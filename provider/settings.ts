/** Settings of the provider resource in program or state. An empty text counts as unset. */
export interface ProviderSettings {
  /** API token of BorgBase. */
  token?: string;
  /** Address of BorgBase's API. */
  endpoint?: string;
  /** Address of a Borg UI server, with the path prefix that it has. */
  borgUiUrl?: string;
  /** Access token of Borg UI. */
  borgUiToken?: string;
  borgUiUsername?: string;
  borgUiPassword?: string;
}

export type SettingName = keyof ProviderSettings;

/** Every setting, and whether it is secret. The stack's configuration has it as `borgbase:NAME`. */
export const SETTINGS: Readonly<Record<SettingName, { secret: boolean }>> = {
  token: { secret: true },
  endpoint: { secret: false },
  borgUiUrl: { secret: false },
  borgUiToken: { secret: true },
  borgUiUsername: { secret: false },
  borgUiPassword: { secret: true },
};

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** The settings that a source has. Anything but a text with content counts as unset. */
export function settingsFrom(read: (name: SettingName) => unknown): ProviderSettings {
  const found = SETTING_NAMES.map((name) => [name, read(name)] as const);
  return Object.fromEntries(found.filter(([, value]) => typeof value === "string" && value !== ""));
}
