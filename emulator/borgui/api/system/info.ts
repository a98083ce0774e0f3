import { FEATURES, includes } from "../../licence";
import { router } from "../../router";

/** The number that each version shows; any later one stands for newer versions. */
const NUMBERS = { "2.3.0-alpha.1": "2.3.0-alpha.1", newer: "2.4.0" };

/** Answers without a login. */
export const info = router().get("/api/system/info", async (c) => {
  const { variants, borg } = c.var.context;
  const { plan } = variants;
  return c.json({
    app_version: NUMBERS[variants.version],
    borg_version: await borg.version(),
    borg2_version: null,
    plan,
    features: FEATURES,
    feature_access: Object.fromEntries(Object.entries(FEATURES).map(([name, needs]) => [name, includes(plan, needs)])),
    entitlement: {
      status: plan === "community" ? "none" : "active",
      access_level: plan,
      is_full_access: false,
      full_access_consumed: false,
      expires_at: null,
      starts_at: null,
      refresh_after: null,
      ui_state: plan,
      last_refresh_at: null,
      last_refresh_error: null,
    },
  });
});
