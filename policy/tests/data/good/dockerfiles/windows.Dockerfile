# escape=`
FROM mcr.microsoft.com/windows/servercore:ltsc2022@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
SHELL ["powershell", "-Command", "$ErrorActionPreference = 'Stop';"]
RUN Invoke-WebRequest -Uri https://example.com/app.zip -OutFile app.zip ; `
    if ((Get-FileHash app.zip -Algorithm sha256).Hash -ne $env:APP_SHA256) { exit 1 } ; `
    Expand-Archive app.zip -DestinationPath C:\app ; `
    Remove-Item app.zip
USER ContainerUser
CMD ["C:\\app\\app.exe"]
