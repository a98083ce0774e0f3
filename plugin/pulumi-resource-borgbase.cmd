@echo off
rem Starts the provider plugin: the bundle beside this file where it is installed, else the npm package's own code.
setlocal
set "SCRIPT=%~dp0pulumi-resource-borgbase.js"
if not exist "%SCRIPT%" set "SCRIPT=%~dp0..\dist\provider\hosts\pluginMain.js"
rem Compiled code of earlier starts. Node.js goes without where it cannot write.
if not defined NODE_COMPILE_CACHE set "NODE_COMPILE_CACHE=%~dp0cache"
node --max-semi-space-size=4 "%SCRIPT%" %*
exit /b %ERRORLEVEL%
