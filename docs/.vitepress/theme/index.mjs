// Without the fonts of the default theme: pages take those of the system.
import theme from "vitepress/theme-without-fonts";
import "./style.css";

export default theme;
