// GraphiQL with a choice of the emulator's tokens, for browsers. The build bundles it into one page.
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createElement as h, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { HEADERS, TABS } from "./tabs.mjs";

const LEVELS = {
  fullAccess: "Full Access: everything",
  createOnly: "Create Only: adds and lists repositories and keys",
  readOnly: "Read Only: queries, no mutations",
};

/** A select whose groups are the accounts; its value is a token, or empty. */
function TokenChoice({ accounts, token, onChange }) {
  const groups = accounts.map(({ email, tokens }) =>
    h(
      "optgroup",
      { key: email, label: email },
      Object.entries(LEVELS).map(([level, label]) => h("option", { key: level, value: tokens[level] }, label)),
    ),
  );
  const none = h("option", { key: "none", value: "" }, "No token, or the one in Headers");
  return h(
    "label",
    { className: "token-choice" },
    "Token",
    h("select", { value: token, onChange: (event) => onChange(event.target.value) }, [...groups, none]),
  );
}

function Page({ accounts }) {
  const [token, setToken] = useState(accounts[0]?.tokens.fullAccess ?? "");
  const fetcher = useMemo(() => {
    const send = createGraphiQLFetcher({ url: location.pathname });
    const own = token ? { Authorization: `Bearer ${token}` } : {};
    return (parameters, options) => send(parameters, { ...options, headers: { ...own, ...options?.headers } });
  }, [token]);
  return h(
    GraphiQL,
    { fetcher, defaultTabs: TABS, defaultHeaders: accounts.length > 0 ? "" : HEADERS, shouldPersistHeaders: false },
    h(GraphiQL.Logo, null, h(TokenChoice, { accounts, token, onChange: setToken })),
  );
}

const response = await fetch("/graphql/accounts");
const accounts = response.ok ? await response.json() : [];
createRoot(document.getElementById("page")).render(h(Page, { accounts }));
