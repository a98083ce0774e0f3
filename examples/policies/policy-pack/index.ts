import { PolicyPack } from "@pulumi/policy";
import { borgbasePolicies } from "pulumi-borgbase/policies";

new PolicyPack("backups", { policies: borgbasePolicies, enforcementLevel: "mandatory" });
