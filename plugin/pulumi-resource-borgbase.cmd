@echo off
rem Starts the provider plugin: the bundle beside this file where it is installed, else the npm package's own code.
setlocal
set "SCRIPT=%~dp0pulumi-resource-borgbase.js"
if not exist "%SCRIPT%" set "SCRIPT=%~dp0..\dist\provider\hosts\pluginMain.js"
node "%SCRIPT%" %*
exit /b %ERRORLEVEL%
