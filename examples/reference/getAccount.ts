import * as borgbase from "pulumi-borgbase";

/** Name of the account that the token belongs to. */
export const account = borgbase.getAccountOutput().username;
